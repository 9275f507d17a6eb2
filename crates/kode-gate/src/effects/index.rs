//! A table that the build script laid out: its text, and the places of its entries
//! sorted by name.

/// Where a name begins and ends in the text, and where its entry does.
pub(super) type Place = [u32; 4];

/// A text with its entries' places.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) text: &'static str,
    pub(super) places: &'static [Place],
}

impl Index {
    /// Number of the entry with this name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.places.binary_search_by(|place| self.name(place).cmp(name)).ok()
    }

    /// Text of an entry.
    pub(super) fn entry(&self, number: usize) -> Option<&'static str> {
        let [_, _, start, end] = self.places.get(number)?;
        self.text.get(*start as usize..*end as usize)
    }

    /// All names, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.places.iter().map(|place| self.name(place))
    }

    fn name(&self, [start, end, ..]: &Place) -> &'static str {
        self.text.get(*start as usize..*end as usize).unwrap_or_default()
    }
}
