//! What the names in git's folders mean. Whatever is not known here to be harmless is
//! told of: what git obeys is never a whole list.

/// What a folder is for git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A git folder.
    Git,
    /// A folder of the project that is one itself; other things may lie in it.
    Bare,
    /// Where git folders of submodules lie.
    Modules,
    /// The same of worktrees, which are looked at before they have a `HEAD` as well.
    Worktrees,
    /// One in there: a git folder, or again a folder of those.
    Module,
    /// The folder of objects.
    Objects,
    /// One in it whose name begins its objects' names.
    Fan,
    /// The one in it that leads to more objects.
    ObjectsInfo,
    /// Attributes, patterns of ignored files.
    Info,
    /// Branches, tags and the like.
    Refs,
    /// One in there.
    RefsInside,
    /// Tables of references, where they are kept so.
    Tables,
    /// What an interrupted command still has to do.
    Unfinished,
    /// All in it is obeyed: hooks, and remotes of the old kind.
    Obeyed,
    /// Any other in a git folder.
    Inside,
    /// kode's own folder, where links lead nobody anywhere.
    Kode,
}

/// What a file or folder is for git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Git runs or reads something elsewhere for it.
    Obeyed,
    /// It depends on what it says.
    Checked(Check),
    Ordinary,
    /// Git makes none of this name.
    Unknown,
}

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Names that git would not have taken.
    Index,
    /// Lines of a rebase that run something.
    TodoList,
    /// A strategy's name, which is a program's.
    Strategy,
    /// Options of an interrupted cherry-pick.
    Options,
    /// Options of an interrupted `git am`.
    PatchOptions,
    /// Conflicts whose solutions git remembers: it reads and writes whatever files it
    /// names, anywhere (rerere.c).
    Conflicts,
    /// Objects that are shown in place of others.
    PackedNames,
    /// Tables elsewhere.
    Tables,
    /// A file of git's own that a reference stands for.
    Reference,
    /// The same of references that an interrupted rebase will write.
    References,
}

/// Names in a git folder that make git run something or read it elsewhere. All names
/// are in small letters: some file systems fold them.
const OBEYED: &[&str] =
    &["branches", "commondir", "config", "config.worktree", "gitdir", "hooks", "remotes"];

/// What git itself, and tools that many people use, write in a git folder besides.
const ORDINARY: &[&str] = &[
    "add_edit.patch",
    "addp-hunk-edit.diff",
    "annex",
    "auto_merge",
    "branchless",
    "cherry_pick_head",
    "commit_editmsg",
    "description",
    "edit_description",
    "fetch_head",
    "filter-repo",
    "fsmonitor--daemon",
    "fsmonitor--daemon.ipc",
    "gc.log",
    "gc.pid",
    "gitk.cache",
    "head",
    "info",
    "lfs",
    "locked",
    "logs",
    "lost-found",
    "merge_autostash",
    "merge_head",
    "merge_mode",
    "merge_msg",
    "modules",
    "objects",
    "opencode",
    "orig_head",
    "packed-refs.new",
    "rebase-apply",
    "rebase-merge",
    "rebase_head",
    "refs",
    "reftable",
    "revert_head",
    "rr-cache",
    "sequencer",
    "shallow",
    "sourcetreeconfig",
    "squash_msg",
    "svn",
    "worktrees",
];

/// Begins of such names, and ends.
const ORDINARY_BEGINS: &[&str] = &[
    "bisect_",
    "gitgui_",
    "index.",
    "kode-",
    "next-index-",
    "notes_",
    "shallow_",
    "tag_editmsg",
    "tmp_",
];
const ORDINARY_ENDS: &[&str] = &[".lock", "~", ".swp"];

/// Texts that could begin with anything.
const TEXTS: &[&str] = &["bisect_log", "bisect_names", "bisect_run", "description", "locked"];

/// What `name` is in a folder of this kind.
pub(super) fn meaning(place: Place, name: &[u8]) -> Meaning {
    if matches!(
        place,
        Place::Objects
            | Place::Fan
            | Place::Inside
            | Place::Kode
            | Place::Modules
            | Place::Worktrees
    ) {
        return Meaning::Ordinary;
    }
    if place == Place::Obeyed {
        // Samples are inert under that name.
        let is_sample = name.ends_with(b".sample");
        return if is_sample { Meaning::Ordinary } else { Meaning::Obeyed };
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    match (place, name.as_str()) {
        (Place::Info, "attributes" | "grafts")
        | (Place::ObjectsInfo, "alternates" | "http-alternates") => Meaning::Obeyed,
        (Place::Unfinished, "git-rebase-todo") => Meaning::Checked(Check::TodoList),
        (Place::Tables, "tables.list") => Meaning::Checked(Check::Tables),
        (Place::Unfinished, "strategy") => Meaning::Checked(Check::Strategy),
        (Place::Unfinished, "opts") => Meaning::Checked(Check::Options),
        (Place::Unfinished, "apply-opt") => Meaning::Checked(Check::PatchOptions),
        (Place::Unfinished, "head-name" | "update-refs" | "refs-to-delete") => {
            Meaning::Checked(Check::References)
        }
        // Others are none.
        (Place::Refs | Place::RefsInside, name) if !name.starts_with('.') => {
            Meaning::Checked(Check::Reference)
        }
        (Place::Git | Place::Bare, name) => in_git_folder(place, name),
        _ => Meaning::Ordinary,
    }
}

fn in_git_folder(place: Place, name: &str) -> Meaning {
    let is_ordinary = || {
        ORDINARY.contains(&name)
            || ORDINARY_BEGINS.iter().any(|begin| name.starts_with(begin))
            || ORDINARY_ENDS.iter().any(|end| name.ends_with(end))
            || name.contains(super::QUARANTINE.trim_end_matches('-'))
    };
    match name {
        "index" => Meaning::Checked(Check::Index),
        "merge_rr" => Meaning::Checked(Check::Conflicts),
        "packed-refs" => Meaning::Checked(Check::PackedNames),
        name if name.starts_with("sharedindex.") => Meaning::Checked(Check::Index),
        name if OBEYED.contains(&name) => Meaning::Obeyed,
        _ if place != Place::Bare && !is_ordinary() => Meaning::Unknown,
        name if is_reference(name) => Meaning::Checked(Check::Reference),
        _ => Meaning::Ordinary,
    }
}

/// Whether git may take it for one of its references outside of `refs`, as `ORIG_HEAD`:
/// those of capital letters (gitglossary(7), "pseudoref"), but for what it keeps texts in.
fn is_reference(name: &str) -> bool {
    let is_text = name.ends_with("msg") || TEXTS.contains(&name);
    !is_text && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Whether it is an object's name, which git writes into references: as a folder it might
/// be where git is led by one.
pub(super) fn is_hash(name: &[u8]) -> bool {
    matches!(name.len(), 40 | 64) && name.iter().all(u8::is_ascii_hexdigit)
}

/// What the folder `name` is in a folder of this kind.
pub(super) fn inner(place: Place, name: &[u8]) -> Place {
    let name = name.to_ascii_lowercase();
    match (place, name.as_slice()) {
        (Place::Kode, _) => Place::Kode,
        (Place::Obeyed, _) => Place::Obeyed,
        (Place::Modules, _) => Place::Module,
        (Place::Worktrees, _) => Place::Git,
        (Place::Objects, b"info") => Place::ObjectsInfo,
        (Place::Objects, [a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => Place::Fan,
        // Shows other objects than those that are asked for.
        (Place::Refs, b"replace") => Place::Obeyed,
        (Place::Refs | Place::RefsInside, _) => Place::RefsInside,
        (Place::Git | Place::Bare, name) => match name {
            b"modules" => Place::Modules,
            b"worktrees" => Place::Worktrees,
            b"objects" => Place::Objects,
            b"refs" => Place::Refs,
            b"info" => Place::Info,
            b"reftable" => Place::Tables,
            b"hooks" | b"remotes" | b"branches" => Place::Obeyed,
            b"rebase-merge" | b"rebase-apply" | b"sequencer" => Place::Unfinished,
            _ => Place::Inside,
        },
        _ => Place::Inside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_gits_own_are_known_in_any_case_and_others_are_told_of() {
        for name in ["index.lock", "BISECT_LOG", "gc.log", "next-index-77.lock", "MERGE_MSG"] {
            assert_eq!(meaning(Place::Git, name.as_bytes()), Meaning::Ordinary, "{name}");
        }
        for name in ["config", "CONFIG", "Hooks", "commondir", "gitdir"] {
            assert_eq!(meaning(Place::Git, name.as_bytes()), Meaning::Obeyed, "{name}");
            assert_eq!(meaning(Place::Inside, name.as_bytes()), Meaning::Ordinary, "{name}");
        }
        for name in ["main", "zzz", "hook", "conf"] {
            assert_eq!(meaning(Place::Git, name.as_bytes()), Meaning::Unknown, "{name}");
            assert_ne!(meaning(Place::Bare, name.as_bytes()), Meaning::Unknown, "{name}");
        }
        assert_eq!(meaning(Place::Git, b"sharedindex.0f"), Meaning::Checked(Check::Index));
        assert_eq!(meaning(Place::Obeyed, b"pre-commit"), Meaning::Obeyed);
        assert_eq!(meaning(Place::Obeyed, b"pre-commit.sample"), Meaning::Ordinary);
    }

    #[test]
    fn references_are_known_wherever_git_keeps_them() {
        for place in [Place::Git, Place::Bare] {
            for name in ["HEAD", "ORIG_HEAD", "auto_merge", "BISECT_EXPECTED_REV"] {
                let meaning = meaning(place, name.as_bytes());
                assert_eq!(meaning, Meaning::Checked(Check::Reference), "{name}");
            }
        }
        let heads = inner(Place::Refs, b"heads");
        let deep = inner(heads, b"replace");
        assert_eq!(deep, Place::RefsInside);
        for place in [Place::Refs, heads, deep] {
            assert_eq!(meaning(place, b"stash"), Meaning::Checked(Check::Reference));
            assert_eq!(meaning(place, b".x"), Meaning::Ordinary);
        }
        assert_eq!(inner(Place::Refs, b"replace"), Place::Obeyed);
    }

    #[test]
    fn folders_of_objects_are_told_by_two_digits() {
        assert_eq!(inner(Place::Objects, b"0f"), Place::Fan);
        for name in [&b"pack"[..], b"0g", b"0f0"] {
            assert_eq!(inner(Place::Objects, name), Place::Inside);
        }
    }
}
