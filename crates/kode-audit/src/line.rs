//! One record as one line: encoding, sealing with its hash, and checking.
//!
//! The canonical serialisation *is* the line: the hash covers the very bytes
//! that are stored, up to the hash field itself, so no byte can change unseen
//! and no re-serialisation has to agree with an older version's.

use serde::{Deserialize, Serialize};

use crate::{Digest, Record};

/// The longest line, newline included, in bytes. Longer records are refused.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// Keeps these hashes apart from every other use of SHA-256 over JSON.
const DOMAIN: &[u8] = b"kode-audit-1\n";
const SEAL_START: &[u8] = b",\"hash\":\"";
const SEAL_END: &[u8] = b"\"}";
const SEAL_BYTES: usize = SEAL_START.len() + 64 + SEAL_END.len();

/// Everything of an entry but its hash, in stored order.
#[derive(Serialize)]
pub(crate) struct Unsealed<'a> {
    pub(crate) sequence: u64,
    pub(crate) time: &'a str,
    pub(crate) session: &'a str,
    #[serde(flatten)]
    pub(crate) record: &'a Record,
    pub(crate) previous: Digest,
}

/// The chain's part of a stored line. Unknown record kinds of a newer kode
/// still verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) sequence: u64,
    pub(crate) previous: Digest,
    pub(crate) hash: Digest,
}

/// The line for `unsealed`, newline included, and its hash.
pub(crate) fn seal(unsealed: &Unsealed<'_>) -> Result<(Vec<u8>, Digest), serde_json::Error> {
    let mut line = serde_json::to_vec(unsealed)?;
    // A JSON object ends with its brace; the hash becomes the last field.
    line.pop();
    let hash = Digest::of_parts(&[DOMAIN, &line]);
    line.extend_from_slice(SEAL_START);
    line.extend_from_slice(hash.to_string().as_bytes());
    line.extend_from_slice(SEAL_END);
    line.push(b'\n');
    Ok((line, hash))
}

/// The link of a stored line (without its newline); `None` when the line does
/// not match its own hash.
pub(crate) fn check(line: &[u8]) -> Option<Link> {
    #[derive(Deserialize)]
    struct Chained {
        sequence: u64,
        previous: Digest,
    }
    let (body, seal) = line.split_at_checked(line.len().checked_sub(SEAL_BYTES)?)?;
    let digits = seal.strip_prefix(SEAL_START)?.strip_suffix(SEAL_END)?;
    let hash: Digest = std::str::from_utf8(digits).ok()?.parse().ok()?;
    if Digest::of_parts(&[DOMAIN, body]) != hash {
        return None;
    }
    let chained: Chained = serde_json::from_slice(line).ok()?;
    Some(Link { sequence: chained.sequence, previous: chained.previous, hash })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entry;

    fn sealed() -> Vec<u8> {
        let record = Record::Notice { name: "sandbox.off".into(), text: "by flag".into() };
        let unsealed = Unsealed {
            sequence: 7,
            time: "2026-01-01T00:00:00Z",
            session: "s",
            record: &record,
            previous: Digest::ZERO,
        };
        seal(&unsealed).unwrap().0
    }

    #[test]
    fn a_sealed_line_checks_and_reads_back_as_an_entry() {
        let line = sealed();
        let link = check(&line[..line.len() - 1]).unwrap();
        let entry: Entry = serde_json::from_slice(&line).unwrap();
        assert_eq!((link.sequence, link.previous), (7, Digest::ZERO));
        assert_eq!(entry.hash, link.hash.to_string());
        assert_eq!(entry.sequence.0, 7);
    }

    #[test]
    fn every_single_flipped_bit_is_seen() {
        let line = sealed();
        for index in 0..line.len() - 1 {
            for bit in 0..8 {
                let mut altered = line[..line.len() - 1].to_vec();
                altered[index] ^= 1 << bit;
                assert_eq!(check(&altered), None, "byte {index}, bit {bit}");
            }
        }
    }
}
