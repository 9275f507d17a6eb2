//! Tools that partition, format and build on whole devices: listing is free,
//! and a device that would be overwritten is refused.

use kode_base::RiskClass;

use crate::assessment::QuestionKind;
use crate::effects::dispatch::Invocation;
use crate::evaluate::{Evaluator, Field, Stream, Text};
use crate::paths::Zone;

/// Words with which a device tool overwrites a device.
const DESTROYS: [&str; 20] = [
    "format",
    "sanitize",
    "write-zeroes",
    "luksFormat",
    "luksErase",
    "erase",
    "reencrypt",
    "create",
    "--create",
    "labelclear",
    "--zero-superblock",
    "add",
    "eraseDisk",
    "eraseVolume",
    "eraseall",
    "zeroDisk",
    "randomDisk",
    "secureErase",
    "partitionDisk",
    "reformat",
];

/// Tools that do nothing else.
const ALWAYS: [&str; 15] = [
    "pvcreate",
    "pvremove",
    "make-bcache",
    "vgcreate",
    "partclone.restore",
    "scrub",
    "nwipe",
    "flash_erase",
    "flash_eraseall",
    "flashcp",
    "nandwrite",
    "ubiformat",
    "sg_format",
    "sg_sanitize",
    "sg_dd",
];

impl Evaluator<'_> {
    /// `nvme format DEVICE`, `pvcreate DEVICE`: what is on the device is lost.
    pub(super) fn device_tool(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        const ERASES: [&str; 4] =
            ["--security-erase", "--trim-sector", "--write-sector", "--make-bad-sector"];
        let erases = |word: &Field| ERASES.iter().any(|flag| word.text.known.starts_with(flag));
        let destroys = ALWAYS.contains(&call.name)
            || call.name == "mdadm" && call.words.iter().any(|word| word.as_exact() == Some("-C"))
            || call.name == "hdparm" && call.words.iter().any(erases)
            || call.name == "badblocks"
                && call
                    .words
                    .iter()
                    .any(|word| word.text.known.starts_with('-') && word.text.known.contains('w'))
            || call.words.iter().filter_map(Field::as_exact).any(|word| DESTROYS.contains(&word));
        if call.name == "ddrescue" {
            // `ddrescue FROM TO MAP`: only what it writes to counts.
            let plain = |word: &&Field| !word.text.known.starts_with('-');
            if let Some(target) = call.words.iter().filter(plain).nth(1) {
                self.write_path(&target.text.clone(), "write");
            }
        }
        if call.name == "zpool" && call.words.iter().any(|word| word.as_exact() == Some("destroy"))
        {
            self.raise(RiskClass::Destructive, "destroys a pool with all it holds");
        }
        let mut places = call.words.iter().map(|word| {
            // `diskutil` takes `disk2` for `/dev/disk2`.
            let bare = call.name == "diskutil" && word.text.known.starts_with("disk");
            let path = if bare { "/dev/" } else { "" }.to_owned() + &word.text.known;
            self.place_of(&Text { known: path, ..word.text.clone() })
        });
        let device = places.rfind(|place| place.zone == Zone::Device);
        if let Some(place) = device.filter(|_| destroys) {
            let text = format!("would overwrite the device {}", place.path);
            self.found.refuse("raw_device", RiskClass::Blocked, &text);
        }
        None
    }

    /// Partitioning and formatting: `-l` lists; a device is refused to mkfs.
    pub(super) fn disks(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let lists = only_lists(call);
        // `mkfs -V` only says more.
        let device = call.words.iter().any(|word| self.place_of(&word.text).zone == Zone::Device);
        if lists && !(device && call.name.starts_with("mk")) {
            return None;
        }
        let makes = call.name.starts_with("mk")
            || matches!(call.name, "newfs" | "wipefs" | "blkdiscard" | "format");
        if makes {
            return self.make_filesystem(call);
        }
        let wipes = call.words.iter().any(|word| loses_partitions(&word.text.known));
        if wipes && device {
            let text = "would take away the partitions of a whole device";
            self.found.refuse("raw_device", RiskClass::Destructive, text);
        }
        for word in call.words {
            let place = self.place_of(&word.text);
            if place.zone != Zone::Device && matches!(call.name, "dcfldd" | "dc3dd") {
                self.look_for_outside_paths(std::slice::from_ref(word));
            }
            if let Some(path) = word.text.known.strip_prefix("of=") {
                self.write_path(&Text::exact(path), "write");
            }
        }
        self.raise(RiskClass::Destructive, "changes disks, partitions or file systems");
        None
    }

    /// `mkfs` and its kind on a device are refused.
    pub(super) fn make_filesystem(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        for word in call.words {
            let place = self.place_of(&word.text);
            if place.zone == Zone::Device {
                let text = format!("would overwrite the device {} with a file system", place.path);
                self.found.refuse("make_filesystem", RiskClass::Destructive, &text);
            }
        }
        self.found.ask(QuestionKind::Guard, "a file system is made over what is there");
        None
    }
}

/// Words of `sgdisk`, `parted` and `sfdisk` that take away every partition.
fn loses_partitions(word: &str) -> bool {
    matches!(
        word,
        "--zap-all" | "--zap" | "-Z" | "-z" | "--clear" | "-o" | "mklabel" | "mktable" | "--delete"
    )
}

/// Whether a partitioner only shows what is there: `fdisk -l`, `parted X print`,
/// `sgdisk -p`, `wipefs` without a flag that erases.
fn only_lists(call: &Invocation<'_>) -> bool {
    const CHANGES: [&str; 17] = [
        "mklabel",
        "mktable",
        "mkpart",
        "mkpartfs",
        "mkfs",
        "rm",
        "resizepart",
        "resize",
        "move",
        "set",
        "name",
        "rescue",
        "toggle",
        "disk_set",
        "disk_toggle",
        "--delete",
        "cp",
    ];
    let words: Vec<&str> = call.words.iter().map(|word| word.text.known.as_str()).collect();
    let has = |names: &[&str]| words.iter().any(|word| names.contains(word));
    let open = call.words.iter().any(|word| word.text.open);
    if has(&["--help", "--version"]) || words == ["-V"] {
        return true;
    }
    if open && !has(&["-l", "--list"]) || has(&CHANGES) {
        return false;
    }
    match call.name {
        "parted" => has(&["-l", "--list", "print"]),
        "sfdisk" => has(&["-l", "--list", "-d", "--dump", "-J", "--json", "-s", "-T", "-V", "-F"]),
        // To it `-l` loads a table.
        "sgdisk" => {
            let shows = |word: &&str| {
                matches!(*word, "-p" | "--print" | "-v" | "--verify" | "-L" | "--list-types")
                    || word.starts_with("-i")
                    || word.starts_with("--info")
            };
            words.iter().any(shows) && words.iter().filter(|word| word.starts_with('-')).all(shows)
        }
        "wipefs" => {
            let erases = |word: &&str| {
                let cluster = word.starts_with('-') && !word.starts_with("--");
                cluster && word.contains(['a', 'o', 'f'])
                    || ["--all", "--offset", "--force"].iter().any(|long| word.starts_with(long))
            };
            !words.iter().any(erases)
        }
        _ => has(&["-l", "--list", "list", "info"]),
    }
}
