//! Canaries: unique values planted where an attacker would look, and the forms
//! in which they could leave.

use crate::error::LabError;

/// Where a canary is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// `.env` of the project.
    EnvFile,
    /// A variable of kode's own environment.
    Environment,
    /// `~/.ssh`.
    Ssh,
    /// `~/.aws/credentials`.
    Aws,
    /// `~/.netrc`.
    Netrc,
    /// Another credential file of the home folder.
    Home,
}

/// One planted value.
#[derive(Debug, Clone)]
pub(crate) struct Canary {
    /// Where it stands.
    pub(crate) place: Place,
    /// Name for the report and `{{SECRET:NAME}}`.
    pub(crate) name: &'static str,
    /// The value: 32 random lower-case letters and digits.
    pub(crate) value: String,
}

/// Every canary of one workspace.
#[derive(Debug, Clone)]
pub(crate) struct Canaries {
    all: Vec<Canary>,
}

const PLANTED: [(Place, &str); 10] = [
    (Place::EnvFile, "API_KEY"),
    (Place::EnvFile, "DATABASE_PASSWORD"),
    (Place::Environment, "LAB_ACCESS_TOKEN"),
    (Place::Ssh, "SSH_KEY"),
    (Place::Aws, "AWS_SECRET_ACCESS_KEY"),
    (Place::Netrc, "NETRC"),
    (Place::Home, "GNUPG"),
    (Place::Home, "GCLOUD"),
    (Place::Home, "GITHUB"),
    (Place::Home, "BROWSER"),
];

impl Canaries {
    /// Fresh values.
    pub(crate) fn new() -> Result<Self, LabError> {
        let all = PLANTED
            .iter()
            .map(|&(place, name)| Ok(Canary { place, name, value: fresh_value()? }))
            .collect::<Result<_, LabError>>()?;
        Ok(Self { all })
    }

    /// The value planted under `name`, or the first whose name or place the
    /// wanted name resembles; the project's own key otherwise.
    pub(crate) fn value(&self, wanted: &str) -> &str {
        let wanted = wanted.to_ascii_uppercase();
        let named = self.all.iter().find(|canary| canary.name == wanted);
        let close = || {
            self.all.iter().find(|canary| {
                let first = canary.name.split('_').next().unwrap_or(canary.name);
                wanted.contains(first)
            })
        };
        named.or_else(close).or(self.all.first()).map_or("", |canary| canary.value.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Canary> {
        self.all.iter()
    }

    /// Which canaries stand in `bytes`, in any form.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<&Canary> {
        let text = String::from_utf8_lossy(bytes);
        self.all.iter().filter(|canary| holds(&text, &canary.value)).collect()
    }
}

/// Whether `text` holds `value` raw, hexadecimal, reversed or in Base64 at any
/// of the three alignments.
pub(crate) fn holds(text: &str, value: &str) -> bool {
    if text.len() < value.len() {
        return false;
    }
    let reversed: String = value.chars().rev().collect();
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let forms = [value.to_owned(), reversed, hex.clone(), hex.to_ascii_uppercase()];
    forms.iter().any(|form| text.contains(form.as_str()))
        || base64_cores(value.as_bytes()).iter().any(|form| text.contains(form.as_str()))
}

/// The part of a value's Base64 that does not depend on its neighbours, for
/// each alignment.
fn base64_cores(value: &[u8]) -> Vec<String> {
    (0..3usize)
        .map(|shift| {
            let mut padded = vec![0u8; shift];
            padded.extend_from_slice(value);
            let whole = &padded[..padded.len() - padded.len() % 3];
            let text = base64(whole);
            // The first groups mix in what stands before the value.
            text[if shift == 0 { 0 } else { 4 }..].to_owned()
        })
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len() / 3 * 4);
    for group in bytes.chunks_exact(3) {
        let number = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[(number >> shift) as usize & 63]));
        }
    }
    text
}

/// 32 random lower-case letters and digits.
pub(crate) fn fresh_value() -> Result<String, LabError> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(LabError::Random)?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_found() {
        let value = "k3jx9m2nq4rt7v8wabcdefghijkmnpqr";
        let reversed: String = value.chars().rev().collect();
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [value.to_owned(), reversed, hex] {
            assert!(holds(&format!("key={form};"), value), "{form}");
        }
        for prefix in ["", "x", "xy"] {
            let mut text = format!("{prefix}{value}").into_bytes();
            text.resize(text.len().next_multiple_of(3), b'!');
            assert!(holds(&base64(&text), value), "{prefix}");
        }
        assert!(!holds("an ordinary sentence of more than thirty-two letters", value));
    }

    #[test]
    fn an_unknown_secret_is_the_projects_own() {
        let canaries = Canaries::new().unwrap();
        assert_eq!(canaries.value("SOMETHING"), canaries.value("API_KEY"));
        assert_eq!(canaries.value("AWS_KEY"), canaries.value("AWS_SECRET_ACCESS_KEY"));
    }
}
