//! Line endings and the byte order mark: text is compared with LF only, and
//! written with the ending the file uses at that place.

use std::borrow::Cow;

use memchr::{memchr, memrchr};

/// The UTF-8 byte order mark.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Text with every CRLF read as LF.
pub(crate) fn to_lf(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

/// A file's bytes with CRLF read as LF, and the way back to file offsets.
pub(crate) struct LfView<'a> {
    /// The bytes to search in.
    pub(crate) bytes: Cow<'a, [u8]>,
    /// Positions in `bytes` of the newlines that are CRLF in the file, ascending.
    from_crlf: Vec<usize>,
}

impl<'a> LfView<'a> {
    pub(crate) fn new(file: &'a [u8]) -> Self {
        if memchr::memmem::find(file, b"\r\n").is_none() {
            return Self { bytes: Cow::Borrowed(file), from_crlf: Vec::new() };
        }
        let mut bytes = Vec::with_capacity(file.len());
        let mut from_crlf = Vec::new();
        for (index, &byte) in file.iter().enumerate() {
            if byte == b'\r' && file.get(index + 1) == Some(&b'\n') {
                from_crlf.push(bytes.len());
            } else {
                bytes.push(byte);
            }
        }
        Self { bytes: Cow::Owned(bytes), from_crlf }
    }

    /// The file offset of the view's offset `at`; a CRLF begins at its CR.
    pub(crate) fn file_offset(&self, at: usize) -> usize {
        at + self.from_crlf.partition_point(|&newline| newline < at)
    }
}

/// The line ending in use at `offset`: the nearest one before, else after, else LF.
pub(crate) fn ending_at(file: &[u8], offset: usize) -> &'static str {
    let offset = offset.min(file.len());
    let newline =
        memrchr(b'\n', &file[..offset]).or_else(|| Some(offset + memchr(b'\n', &file[offset..])?));
    match newline {
        Some(at) if at > 0 && file[at - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

/// [`ending_at`] of ascending offsets, looking at each byte once.
pub(crate) struct Endings<'a> {
    file: &'a [u8],
    looked_at: usize,
    /// The nearest newline before that, or the first one.
    newline: Option<usize>,
}

impl<'a> Endings<'a> {
    pub(crate) fn of(file: &'a [u8]) -> Self {
        Self { file, looked_at: 0, newline: memchr(b'\n', file) }
    }

    pub(crate) fn at(&mut self, offset: usize) -> &'static str {
        let looked_at = self.looked_at;
        let nearer = memrchr(b'\n', &self.file[looked_at..offset.max(looked_at)]);
        self.newline = nearer.map(|at| looked_at + at).or(self.newline);
        self.looked_at = offset.max(looked_at);
        self.newline.map_or("\n", |newline| ending_at(self.file, newline + 1))
    }
}

/// LF text with the line ending `ending`.
pub(crate) fn with_ending<'a>(text: &'a str, ending: &str) -> Cow<'a, str> {
    if ending == "\n" { Cow::Borrowed(text) } else { Cow::Owned(text.replace('\n', ending)) }
}

/// The 1-based line a byte offset is on.
pub(crate) fn line_of(bytes: &[u8], offset: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &bytes[..offset.min(bytes.len())]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crlf_begins_at_its_carriage_return() {
        let view = LfView::new(b"a\r\nb\nc\r\n");
        assert_eq!(&*view.bytes, b"a\nb\nc\n");
        let offsets: Vec<usize> = (0..=6).map(|at| view.file_offset(at)).collect();
        assert_eq!(offsets, [0, 1, 3, 4, 5, 6, 8]);
    }

    #[test]
    fn endings_one_after_another_are_those_looked_for_alone() {
        for file in ["ab", "a\r\nb\nc\r\nd", "a\nb\r\n", "\r\n", "a\n\r\n\nb"] {
            let mut endings = Endings::of(file.as_bytes());
            for offset in 0..=file.len() {
                assert_eq!(endings.at(offset), ending_at(file.as_bytes(), offset), "{file:?}");
            }
        }
    }

    #[test]
    fn the_ending_is_the_nearest_one() {
        assert_eq!(ending_at(b"a\r\nb", 4), "\r\n");
        assert_eq!(ending_at(b"a\r\nb\nc", 6), "\n");
        assert_eq!(ending_at(b"a\r\n", 0), "\r\n");
        assert_eq!(ending_at(b"a", 1), "\n");
    }
}
