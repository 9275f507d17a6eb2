//! Tools that partition, format and build on whole devices: listing is free,
//! and a device that would be overwritten is refused.

use kode_base::RiskClass;

use crate::assessment::QuestionKind;
use crate::effects::dispatch::Invocation;
use crate::evaluate::{Evaluator, Field, Stream, Text};
use crate::paths::Zone;

impl Evaluator<'_> {
    /// `nvme format DEVICE`, `pvcreate DEVICE`: what is on the device is lost.
    pub(super) fn device_tool(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        const DESTROYS: [&str; 21] = [
            "format",
            "sanitize",
            "write-zeroes",
            "luksFormat",
            "luksErase",
            "erase",
            "reencrypt",
            "create",
            "--create",
            "-C",
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
        const ERASES: [&str; 4] =
            ["--security-erase", "--trim-sector", "--write-sector", "--make-bad-sector"];
        let erases = |word: &Field| ERASES.iter().any(|flag| word.text.known.starts_with(flag));
        let always = [
            "pvcreate",
            "pvremove",
            "make-bcache",
            "vgcreate",
            "partclone.restore",
            "ddrescue",
            "scrub",
            "nwipe",
        ];
        let destroys = always.contains(&call.name)
            || call.name == "hdparm" && call.words.iter().any(erases)
            || call.name == "badblocks"
                && call
                    .words
                    .iter()
                    .any(|word| word.text.known.starts_with('-') && word.text.known.contains('w'))
            || call.words.iter().filter_map(Field::as_exact).any(|word| DESTROYS.contains(&word));
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
        let lists = call.words.iter().any(|word| {
            matches!(
                word.as_exact(),
                Some("-l" | "--list" | "list" | "info" | "--help" | "--version" | "-V")
            )
        });
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
