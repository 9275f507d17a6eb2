//! The walk over a tree that collects scopes, declarations and references.
//! What they mean is worked out in `resolve`.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use tree_sitter::Node;

use super::go_types::Literals;
use super::{
    BindingKind, Doubt, ImportOrigin, IndirectCalls, Occurrence, PassedOn, Rules, Supertype,
    TypeShape,
};
use crate::Language;

mod resolve;

pub(super) type ScopeId = usize;
pub(super) type DeclaredId = usize;

/// Values and, where a language keeps them apart, types.
pub(super) const VALUE: u8 = 1;
pub(super) const TYPE: u8 = 2;
/// C's struct, union and enum tags.
pub(super) const TAG: u8 = 4;
/// Go's variables and constants, which alone can be the key of a map.
pub(super) const KEY: u8 = 8;

/// Trees nested deeper are not analysed: asking for a parent takes time in
/// proportion to the depth.
pub(super) const MAX_DEPTH: u32 = 4000;

/// A tree that had to be guessed can't be trusted with a rename.
pub(super) const BROKEN: &str = "it stands in code that does not parse";

/// How a scope limits what is looked up through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScopeKind {
    /// Lets everything through.
    Block,
    /// A function: inner names of a class around it may be hidden.
    Function,
    /// A function that does not see the locals around it, only items.
    ItemFunction,
    /// Nothing around it is seen.
    Sealed,
    /// A class body whose names functions inside do not see (Python).
    HiddenClass,
    /// A class body whose names are seen inside.
    Class,
    /// A template's parameters around what they are for.
    Template,
    /// The file or a module.
    Module,
}

struct Scope {
    parent: Option<ScopeId>,
    kind: ScopeKind,
    end: usize,
    names: HashMap<String, Vec<DeclaredId>>,
    /// Names that belong to another scope here (`global`, `nonlocal`).
    redirects: HashMap<String, Option<ScopeId>>,
    /// Of a class body: what the class inherits names from.
    supertypes: Vec<Supertype>,
    /// What is hoisted from here on is not seen before.
    hoisted_from: usize,
}

struct Declared {
    name: String,
    scope: ScopeId,
    kind: BindingKind,
    spaces: u8,
    visible: Range<usize>,
    occurrences: Vec<Occurrence>,
    visible_outside: bool,
    imported: Option<ImportOrigin>,
    blocked: Option<String>,
    passed_to: Option<String>,
    doubts: Vec<Doubt>,
}

struct Reference {
    name: String,
    scope: ScopeId,
    spaces: u8,
    at: usize,
    occurrence: Occurrence,
    /// Renaming what this means is not safe.
    blocks: Option<&'static str>,
}

/// A keyword argument: names a parameter of what is called.
pub(super) struct KeywordArgument {
    pub(super) name: String,
    pub(super) range: Range<usize>,
    pub(super) callee: String,
    /// The callee is a plain name, not a member.
    pub(super) plain: bool,
    /// Where the call is.
    pub(super) scope: ScopeId,
    /// Which methods a plain name reaches from there.
    pub(super) home: Home,
}

/// The class body whose methods a plain name means, by its node, and whether those of
/// the class itself; the same everywhere where functions are looked up by scope.
pub(super) type Home = (usize, bool);

/// Who calls the function a parameter belongs to, and how.
#[derive(Debug, Clone)]
pub(super) struct Called {
    /// What a call writes: the function's name, or its class's for a constructor.
    pub(super) name: String,
    /// The declaration that name must mean, where the language looks it up by scope.
    pub(super) declared: Option<DeclaredId>,
    /// Only calls through a value reach it (`x.f()`).
    pub(super) member: bool,
    /// Where it is called by its plain name.
    pub(super) home: Home,
}

/// How a declaration enters its scope.
#[derive(Debug, Clone)]
pub(super) struct How {
    pub(super) kind: BindingKind,
    pub(super) spaces: u8,
    /// Seen from here on; the whole scope when `None`.
    pub(super) from: Option<usize>,
    /// Seen until here; the end of the scope when `None`.
    pub(super) until: Option<usize>,
    /// Hoisted no further up than here.
    pub(super) hoisted_until: usize,
}

impl How {
    pub(super) const fn hoisted(kind: BindingKind) -> Self {
        Self { kind, spaces: VALUE | TYPE, from: None, until: None, hoisted_until: 0 }
    }

    pub(super) const fn from(kind: BindingKind, at: usize) -> Self {
        Self { kind, spaces: VALUE | TYPE, from: Some(at), until: None, hoisted_until: 0 }
    }

    pub(super) const fn spaces(mut self, spaces: u8) -> Self {
        self.spaces = spaces;
        self
    }
}

/// The state of a walk.
pub(super) struct Walk<'s> {
    pub(super) language: Language,
    pub(super) source: &'s [u8],
    pub(super) current: ScopeId,
    scopes: Vec<Scope>,
    declared: Vec<Declared>,
    references: Vec<Reference>,
    done: HashSet<usize>,
    overrides: HashMap<usize, ScopeId>,
    opened: Vec<(usize, ScopeId)>,
    node: usize,
    node_end: usize,
    /// How many ERROR nodes are around the current node.
    errors_around: usize,
    blocked_names: HashMap<String, &'static str>,
    blocked_scopes: Vec<(ScopeId, &'static str)>,
    blocked_module_names: HashMap<String, &'static str>,
    blocked_item_names: HashMap<String, &'static str>,
    blocked_parameter_names: HashMap<String, &'static str>,
    pub(super) import_sources: Vec<Range<usize>>,
    wholesale: Vec<String>,
    passed_on: Vec<PassedOn>,
    pub(super) keyword_arguments: Vec<KeywordArgument>,
    /// Functions that are mentioned or called in a way that may pass anything by name.
    called_unclearly: HashSet<String>,
    /// Methods that are called by their plain name, and where (Ruby).
    called_plainly: HashSet<(String, Home)>,
    /// Parameters with the function they belong to.
    parameters_of: Vec<(DeclaredId, Called)>,
    types: Vec<TypeShape>,
    /// Keys of literals whose type the file does not declare.
    doubtful_keys: Vec<(String, ScopeId, usize, String)>,
    pub(super) literals: Literals,
    pub(super) calls: IndirectCalls,
}

impl<'s> Walk<'s> {
    pub(super) fn new(language: Language, source: &'s [u8], root: Node<'_>) -> Self {
        let file = Scope {
            parent: None,
            kind: ScopeKind::Module,
            end: root.end_byte().max(source.len()) + 1,
            names: HashMap::new(),
            redirects: HashMap::new(),
            supertypes: Vec::new(),
            hoisted_from: 0,
        };
        Self {
            language,
            source,
            current: 0,
            scopes: vec![file],
            declared: Vec::new(),
            references: Vec::new(),
            done: HashSet::new(),
            overrides: HashMap::new(),
            opened: Vec::new(),
            node: 0,
            node_end: 0,
            errors_around: 0,
            blocked_names: HashMap::new(),
            blocked_scopes: Vec::new(),
            blocked_module_names: HashMap::new(),
            blocked_item_names: HashMap::new(),
            blocked_parameter_names: HashMap::new(),
            import_sources: Vec::new(),
            wholesale: Vec::new(),
            passed_on: Vec::new(),
            keyword_arguments: Vec::new(),
            called_unclearly: HashSet::new(),
            called_plainly: HashSet::new(),
            parameters_of: Vec::new(),
            types: Vec::new(),
            doubtful_keys: Vec::new(),
            literals: Literals::default(),
            calls: IndirectCalls::default(),
        }
    }

    /// Visits every node that is not done already, parents first.
    /// `false` when the tree is too deep to answer questions about parents in time.
    pub(super) fn run(&mut self, root: Node<'_>, rules: Rules) -> bool {
        let mut cursor = root.walk();
        loop {
            if cursor.depth() > MAX_DEPTH {
                return false;
            }
            let node = cursor.node();
            let entered = !self.done.contains(&node.id());
            if entered {
                self.errors_around += usize::from(node.is_error());
                self.node = node.id();
                self.node_end = node.end_byte();
                if let Some(scope) = self.overrides.remove(&node.id()) {
                    self.open_below(scope, ScopeKind::Block);
                }
                rules(self, node);
            }
            // A rule may finish the node it is called for.
            if entered && cursor.goto_first_child() {
                continue;
            }
            if entered {
                self.leave(&cursor.node());
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return true;
                }
                self.leave(&cursor.node());
            }
        }
    }

    fn leave(&mut self, node: &Node<'_>) {
        self.errors_around -= usize::from(node.is_error());
        while let Some(&(opener, previous)) = self.opened.last() {
            if opener != node.id() {
                return;
            }
            self.opened.pop();
            self.current = previous;
        }
    }

    /// Opens a scope for the node being entered.
    pub(super) fn open(&mut self, kind: ScopeKind) -> ScopeId {
        self.open_below(self.current, kind)
    }

    pub(super) fn open_below(&mut self, parent: ScopeId, kind: ScopeKind) -> ScopeId {
        self.scopes.push(Scope {
            parent: Some(parent),
            kind,
            end: self.node_end,
            names: HashMap::new(),
            redirects: HashMap::new(),
            supertypes: Vec::new(),
            hoisted_from: 0,
        });
        self.opened.push((self.node, self.current));
        self.current = self.scopes.len() - 1;
        self.current
    }

    /// The node (below the one being entered) is looked up in `scope`.
    pub(super) fn evaluate_in(&mut self, node: Option<Node<'_>>, scope: ScopeId) {
        if let Some(node) = node {
            self.overrides.insert(node.id(), scope);
        }
    }

    /// The node and what is below it mean no binding.
    pub(super) fn skip(&mut self, node: Option<Node<'_>>) {
        if let Some(node) = node {
            self.done.insert(node.id());
        }
    }

    /// The scope that `node`, around the one being entered, has opened last.
    pub(super) fn scope_of(&self, node: Node<'_>) -> Option<ScopeId> {
        let index = self.opened.iter().rposition(|&(opener, _)| opener == node.id())?;
        Some(self.opened.get(index + 1).map_or(self.current, |&(_, previous)| previous))
    }

    pub(super) fn parent_scope(&self, scope: ScopeId) -> Option<ScopeId> {
        self.scopes[scope].parent
    }

    pub(super) fn kind_of(&self, scope: ScopeId) -> ScopeKind {
        self.scopes[scope].kind
    }

    /// The nearest scope, the current one included, for which `wanted` holds.
    pub(super) fn nearest(&self, wanted: impl Fn(ScopeKind) -> bool) -> ScopeId {
        let mut scope = self.current;
        while !wanted(self.scopes[scope].kind) {
            match self.scopes[scope].parent {
                Some(parent) => scope = parent,
                None => break,
            }
        }
        scope
    }

    /// The nearest function or module.
    pub(super) fn function_scope(&self) -> ScopeId {
        self.nearest(|kind| {
            matches!(
                kind,
                ScopeKind::Function
                    | ScopeKind::ItemFunction
                    | ScopeKind::Sealed
                    | ScopeKind::Module
                    | ScopeKind::HiddenClass
            )
        })
    }

    pub(super) fn text(&self, node: Node<'_>) -> &'s str {
        let bytes = self.source.get(node.byte_range()).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Declares the name `node` spells, in the current scope.
    pub(super) fn declare(&mut self, node: Node<'_>, how: How) -> DeclaredId {
        self.declare_in(self.current, node, how, plain(node, true))
    }

    /// Declares in `scope`. A hoisted name that is there already gains a place.
    pub(super) fn declare_in(
        &mut self,
        scope: ScopeId,
        node: Node<'_>,
        how: How,
        occurrence: Occurrence,
    ) -> DeclaredId {
        self.done.insert(node.id());
        let name = self.text(node).trim_start_matches('@').to_owned();
        let mut how = how;
        let hoisted_from = self.scopes[scope].hoisted_from;
        if how.from.is_none() && node.start_byte() >= hoisted_from && hoisted_from > 0 {
            how.hoisted_until = hoisted_from;
        }
        self.declare_named(scope, name, &how, occurrence)
    }

    /// Declares a name that no node spells by itself.
    pub(super) fn declare_named(
        &mut self,
        scope: ScopeId,
        name: String,
        how: &How,
        occurrence: Occurrence,
    ) -> DeclaredId {
        if how.from.is_none()
            && let Some(known) = self.known_in(scope, &name, how.spaces)
        {
            let known = &mut self.declared[known];
            known.spaces |= how.spaces;
            known.occurrences.push(occurrence);
            return self.known_in(scope, &name, how.spaces).unwrap_or_default();
        }
        let visible =
            how.from.unwrap_or(how.hoisted_until)..how.until.unwrap_or(self.scopes[scope].end);
        let module = self.scopes[scope].kind == ScopeKind::Module;
        let kind = match how.kind {
            BindingKind::Local if module => BindingKind::Item,
            kind => kind,
        };
        let id = self.declared.len();
        self.declared.push(Declared {
            name: name.clone(),
            scope,
            kind,
            spaces: how.spaces,
            visible,
            occurrences: vec![occurrence],
            visible_outside: false,
            imported: None,
            blocked: None,
            passed_to: None,
            doubts: Vec::new(),
        });
        self.scopes[scope].names.entry(name).or_default().push(id);
        if self.errors_around > 0 {
            self.block(id, BROKEN);
        }
        id
    }

    /// A declaration of `name` in exactly this scope that covers the spaces.
    pub(super) fn known_in(&self, scope: ScopeId, name: &str, spaces: u8) -> Option<DeclaredId> {
        // TypeScript and JavaScript merge a type and a value of one name in one scope.
        let merges =
            matches!(self.language, Language::JavaScript | Language::TypeScript | Language::Tsx);
        let known = self.scopes[scope].names.get(name)?;
        known.iter().rev().copied().find(|&id| merges || self.declared[id].spaces & spaces != 0)
    }

    /// The declaration whose name is written at `at`.
    pub(super) fn declared_at(&self, at: usize) -> Option<DeclaredId> {
        self.declared
            .iter()
            .rposition(|declared| declared.occurrences.iter().any(|place| place.range.start == at))
    }

    /// Whether it is a variable or a parameter.
    pub(super) fn is_local(&self, id: DeclaredId) -> bool {
        matches!(self.declared[id].kind, BindingKind::Local | BindingKind::Parameter)
    }

    /// What is hoisted to the current scope from now on is not seen before `at`.
    pub(super) fn hoist_from(&mut self, at: usize) {
        self.scopes[self.current].hoisted_from = at;
    }

    /// Notes one more place of a declaration.
    pub(super) fn add_place(&mut self, id: DeclaredId, node: Node<'_>) {
        self.done.insert(node.id());
        self.declared[id].occurrences.push(plain(node, false));
    }

    pub(super) fn add_occurrence(&mut self, id: DeclaredId, occurrence: Occurrence) {
        self.declared[id].occurrences.push(occurrence);
    }

    pub(super) fn mark_visible_outside(&mut self, id: DeclaredId) {
        self.declared[id].visible_outside = true;
    }

    pub(super) fn mark_imported(&mut self, id: DeclaredId, origin: ImportOrigin) {
        self.declared[id].imported = Some(origin);
    }

    /// The file takes or passes on names of `module` without naming them.
    pub(super) fn note_passed_on(&mut self, origin: ImportOrigin, after: String) {
        self.passed_on.push(PassedOn { origin, after });
    }

    pub(super) fn note_wholesale(&mut self, module: &str) {
        self.wholesale.push(module.to_owned());
    }

    pub(super) fn block(&mut self, id: DeclaredId, why: &str) {
        self.declared[id].blocked.get_or_insert_with(|| why.to_owned());
    }

    /// No binding of that name can be renamed.
    pub(super) fn block_name(&mut self, name: &str, why: &'static str) {
        self.blocked_names.entry(name.to_owned()).or_insert(why);
    }

    /// The module's own binding of that name can't be renamed.
    pub(super) fn block_module_name(&mut self, name: &str, why: &'static str) {
        self.blocked_module_names.entry(name.to_owned()).or_insert(why);
    }

    /// No item of that name can be renamed; locals can.
    pub(super) fn block_item_name(&mut self, name: &str, why: &'static str) {
        self.blocked_item_names.entry(name.to_owned()).or_insert(why);
    }

    /// No parameter of that name can be renamed.
    pub(super) fn block_parameter_name(&mut self, name: &str, why: &'static str) {
        self.blocked_parameter_names.entry(name.to_owned()).or_insert(why);
    }

    /// Nothing that is seen from here can be renamed.
    pub(super) fn block_all_seen(&mut self, why: &'static str) {
        let mut scope = Some(self.current);
        while let Some(here) = scope {
            self.blocked_scopes.push((here, why));
            scope = self.scopes[here].parent;
        }
    }

    /// No binding of that scope can be renamed.
    pub(super) fn block_scope(&mut self, scope: ScopeId, why: &'static str) {
        self.blocked_scopes.push((scope, why));
    }

    /// Something may call `function` and pass anything by name.
    pub(super) fn note_called_unclearly(&mut self, function: &str) {
        if !self.called_unclearly.contains(function) {
            self.called_unclearly.insert(function.to_owned());
        }
    }

    pub(super) fn note_called_plainly(&mut self, function: &str, home: Home) {
        self.called_plainly.insert((function.to_owned(), home));
    }

    pub(super) fn parameter_of(&mut self, id: DeclaredId, function: &Called) {
        self.parameters_of.push((id, function.clone()));
    }

    pub(super) fn note_type(&mut self, shape: TypeShape) {
        self.types.push(shape);
    }

    /// What is looked up in the current scope may be a member of these instead.
    pub(super) fn inherit(&mut self, supertypes: Vec<Supertype>) {
        self.scopes[self.current].supertypes = supertypes;
    }

    /// The key of a literal of a type that another file declares.
    pub(super) fn note_doubtful_key(&mut self, key: Node<'_>, type_name: &str) {
        let name = self.text(key).to_owned();
        self.doubtful_keys.push((name, self.current, key.start_byte(), type_name.to_owned()));
    }

    /// In this scope the name belongs to `target` (the next outer function when `None`).
    pub(super) fn redirect(&mut self, scope: ScopeId, name: &str, target: Option<ScopeId>) {
        if target.is_some_and(|target| target >= scope) || scope == 0 {
            return;
        }
        self.scopes[scope].redirects.insert(name.to_owned(), target);
    }

    /// Notes a reference from the current scope.
    pub(super) fn refer(&mut self, node: Node<'_>, spaces: u8) {
        self.refer_as(node, spaces, plain(node, false), None);
    }

    pub(super) fn refer_as(
        &mut self,
        node: Node<'_>,
        spaces: u8,
        occurrence: Occurrence,
        blocks: Option<&'static str>,
    ) {
        self.done.insert(node.id());
        let name = self.text(node).trim_start_matches('@').to_owned();
        self.refer_named(name, node.start_byte(), spaces, occurrence, blocks);
    }

    pub(super) fn refer_named(
        &mut self,
        name: String,
        at: usize,
        spaces: u8,
        occurrence: Occurrence,
        blocks: Option<&'static str>,
    ) {
        if name.is_empty() {
            return;
        }
        self.references.push(Reference {
            name,
            scope: self.current,
            spaces,
            at,
            occurrence,
            blocks: blocks.or((self.errors_around > 0).then_some(BROKEN)),
        });
    }
}

/// A place where the name is written by itself.
pub(super) fn plain(node: Node<'_>, declares: bool) -> Occurrence {
    Occurrence { range: node.byte_range(), before: String::new(), after: String::new(), declares }
}

/// A place where a rename must also spell out what was implied.
pub(super) fn spelled(node: Node<'_>, before: String, after: String, declares: bool) -> Occurrence {
    Occurrence { range: node.byte_range(), before, after, declares }
}

/// Calls `visit` for each named child.
pub(super) fn for_children<'t>(node: Node<'t>, mut visit: impl FnMut(Node<'t>)) {
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        visit(child);
    }
}

/// Calls `visit` for each child in a field.
pub(super) fn for_field<'t>(node: Node<'t>, field: &str, mut visit: impl FnMut(Node<'t>)) {
    let mut cursor = node.walk();
    for child in node.children_by_field_name(field, &mut cursor) {
        visit(child);
    }
}

/// The field of its parent that `node` is in.
pub(super) fn is_field(node: Node<'_>, parent: Node<'_>, field: &str) -> bool {
    let mut cursor = parent.walk();
    parent.children_by_field_name(field, &mut cursor).any(|child| child.id() == node.id())
}
