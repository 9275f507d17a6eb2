//! The body of an HTTP/1.1 response: where it ends, and carrying it on in
//! framing of one's own.

use std::time::Duration;

use super::Refusal;
use super::head::{Headers, ResponseHead, plain_length};
use super::stream::Conversation;

/// Bytes carried at once.
const BLOCK_BYTES: usize = 16 * 1024;
/// For the next block of a body: long downloads live, stuck ones don't.
const BLOCK_MAX: Duration = Duration::from_secs(60);
/// Bytes of one line between chunks.
const CHUNK_LINE_BYTES_MAX: usize = 256;

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    Empty,
    /// By its length.
    Length(u64),
    /// Piece by piece.
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

impl Framing {
    /// How `head`, an answer to `method`, frames its body.
    ///
    /// # Errors
    /// When it says two things at once.
    pub(crate) fn of(head: &ResponseHead, method: &str) -> Result<Self, Refusal> {
        let length = head.headers.only("content-length")?;
        let coding = head.headers.only("transfer-encoding")?;
        if method == "HEAD" || matches!(head.status, 204 | 304) {
            return Ok(Self::Empty);
        }
        match (coding, length) {
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Self::Chunked),
            (None, Some(length)) => plain_length(length)
                .map(Self::Length)
                .ok_or(Refusal::Malformed("the answer's Content-Length")),
            (None, None) => Ok(Self::UntilClose),
            _ => Err(Refusal::Malformed("the answer's length is unclear")),
        }
    }
}

/// Whether the connection can carry another exchange after this one.
pub(crate) fn stays_open(headers: &Headers) -> bool {
    let says = |word: &str| {
        headers
            .all("connection")
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    !says("close")
}

/// A response's body, read piece by piece.
pub(crate) struct Body<'a> {
    from: &'a mut dyn Conversation,
    /// Bytes read ahead of the body, and past it.
    rest: &'a mut Vec<u8>,
    framing: Framing,
    /// Of the length, or of the current chunk.
    left: u64,
    begun: bool,
    ended: bool,
}

impl<'a> Body<'a> {
    pub(crate) fn new(
        from: &'a mut dyn Conversation,
        rest: &'a mut Vec<u8>,
        framing: Framing,
    ) -> Self {
        let (left, ended) = match framing {
            Framing::Empty => (0, true),
            Framing::Length(length) => (length, length == 0),
            Framing::Chunked | Framing::UntilClose => (0, false),
        };
        Self { from, rest, framing, left, begun: false, ended }
    }

    /// The next piece; empty at the end.
    pub(crate) fn next(&mut self) -> Result<Vec<u8>, Refusal> {
        if self.ended {
            return Ok(Vec::new());
        }
        match self.framing {
            Framing::Empty => Ok(Vec::new()),
            Framing::UntilClose => {
                let piece = self.some(BLOCK_BYTES as u64)?;
                self.ended = piece.is_empty();
                Ok(piece)
            }
            Framing::Length(_) => {
                let piece = self.of_the_left()?;
                self.ended = self.left == 0;
                Ok(piece)
            }
            Framing::Chunked => self.of_chunks(),
        }
    }

    fn of_chunks(&mut self) -> Result<Vec<u8>, Refusal> {
        if self.left == 0 {
            if std::mem::replace(&mut self.begun, true) && !self.line()?.is_empty() {
                return Err(Refusal::Malformed("a chunk's end"));
            }
            self.left = chunk_length(&self.line()?)?;
            if self.left == 0 {
                // Trailers are dropped.
                while !self.line()?.is_empty() {}
                self.ended = true;
                return Ok(Vec::new());
            }
        }
        self.of_the_left()
    }

    fn of_the_left(&mut self) -> Result<Vec<u8>, Refusal> {
        let piece = self.some(self.left)?;
        if piece.is_empty() {
            return Err(Refusal::BrokeOff);
        }
        self.left -= piece.len() as u64;
        Ok(piece)
    }

    /// Up to `most` bytes; none at the end of the connection.
    fn some(&mut self, most: u64) -> Result<Vec<u8>, Refusal> {
        let most = usize::try_from(most).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        if !self.rest.is_empty() {
            let count = most.min(self.rest.len());
            return Ok(self.rest.drain(..count).collect());
        }
        self.from.within(BLOCK_MAX);
        let mut block = vec![0; most];
        let count = match self.from.read(&mut block) {
            // TLS without a closing alert ends like a plain connection.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => 0,
            result => result?,
        };
        block.truncate(count);
        Ok(block)
    }

    fn line(&mut self) -> Result<Vec<u8>, Refusal> {
        loop {
            if let Some(at) = self.rest.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.rest.drain(..at + 2).take(at).collect();
                return Ok(line);
            }
            if self.rest.len() > CHUNK_LINE_BYTES_MAX {
                return Err(Refusal::Malformed("a chunk's length"));
            }
            let mut block = [0; 1024];
            let count = self.from.read(&mut block)?;
            if count == 0 {
                return Err(Refusal::BrokeOff);
            }
            self.rest.extend_from_slice(&block[..count]);
        }
    }
}

fn chunk_length(line: &[u8]) -> Result<u64, Refusal> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let text = std::str::from_utf8(digits).unwrap_or_default().trim_end_matches([' ', '\t']);
    let plain = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let length = if plain { u64::from_str_radix(text, 16).ok() } else { None };
    length.ok_or(Refusal::Malformed("a chunk's length"))
}

/// Carries a body on, chunk by chunk where its length is not known.
pub(crate) fn carry_on(mut body: Body<'_>, to: &mut dyn Conversation) -> Result<(), Refusal> {
    let chunked = matches!(body.framing, Framing::Chunked | Framing::UntilClose);
    loop {
        let piece = body.next()?;
        to.within(BLOCK_MAX);
        if piece.is_empty() {
            break;
        }
        if chunked {
            to.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        }
        to.write_all(&piece)?;
        if chunked {
            to.write_all(b"\r\n")?;
        }
    }
    if chunked {
        to.write_all(b"0\r\n\r\n")?;
    }
    Ok(to.flush()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framing(headers: &str, method: &str) -> Result<Framing, Refusal> {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
        Framing::of(&ResponseHead::parse(head.as_bytes()).unwrap(), method)
    }

    #[test]
    fn a_body_ends_in_one_way() {
        assert_eq!(framing("Content-Length: 3\r\n", "GET"), Ok(Framing::Length(3)));
        assert_eq!(framing("Transfer-Encoding: chunked\r\n", "GET"), Ok(Framing::Chunked));
        assert_eq!(framing("", "GET"), Ok(Framing::UntilClose));
        assert_eq!(framing("Content-Length: 3\r\n", "HEAD"), Ok(Framing::Empty));
        for headers in [
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Content-Length: x\r\n",
        ] {
            assert!(framing(headers, "GET").is_err(), "{headers}");
        }
    }

    /// Both ends of a conversation, in memory.
    struct Memory(Vec<u8>, Vec<u8>);

    impl std::io::Read for Memory {
        fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
            let count = bytes.len().min(self.0.len());
            bytes[..count].copy_from_slice(&self.0.drain(..count).collect::<Vec<u8>>());
            Ok(count)
        }
    }

    impl std::io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Conversation for Memory {
        fn within(&mut self, _limit: Duration) {}
    }

    fn read(framing: Framing, bytes: &[u8], split: usize) -> Result<Vec<u8>, Refusal> {
        let mut rest = bytes[..split.min(bytes.len())].to_vec();
        let mut from = Memory(bytes[split.min(bytes.len())..].to_vec(), Vec::new());
        let mut body = Body::new(&mut from, &mut rest, framing);
        let mut all = Vec::new();
        loop {
            let piece = body.next()?;
            if piece.is_empty() {
                return Ok(all);
            }
            all.extend(piece);
        }
    }

    #[test]
    fn chunks_are_put_together() {
        let bytes = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n";
        for split in 0..bytes.len() {
            assert_eq!(read(Framing::Chunked, bytes, split), Ok(b"abcde".to_vec()));
        }
    }

    #[test]
    fn a_body_cut_short_is_an_error() {
        assert!(read(Framing::Length(5), b"abc", 0).is_err());
        for bytes in [
            &b"3\r\nab"[..],
            b"3\r\nabc\r\n",
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"-1\r\n",
            b"+3\r\nabc\r\n0\r\n\r\n",
            b"0x3\r\n",
            b"\r\n",
            b"fffffffffffff\r\n",
        ] {
            assert!(read(Framing::Chunked, bytes, 0).is_err(), "{bytes:?}");
        }
        assert_eq!(read(Framing::UntilClose, b"abc", 1), Ok(b"abc".to_vec()));
    }

    proptest! {
        #[test]
        fn what_is_carried_on_reads_the_same(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..8)) {
            let mut bytes = Vec::new();
            for piece in &pieces {
                bytes.extend(format!("{:X}\r\n", piece.len()).bytes());
                bytes.extend(piece);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
            let (mut from, mut rest) = (Memory(bytes, Vec::new()), Vec::new());
            let mut to = Memory(Vec::new(), Vec::new());
            carry_on(Body::new(&mut from, &mut rest, Framing::Chunked), &mut to).unwrap();
            prop_assert_eq!(read(Framing::Chunked, &to.1, 0).unwrap(), pieces.concat());
        }
    }
}
