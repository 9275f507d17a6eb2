//! Texts that are decoded, cut or turned around while the program runs, of which every
//! part is written down: what they then are. A name of a module or member that was
//! made so is the name it is, and so is a key.

use super::Engine;
use super::builtin::items;
use super::site::Site;
use super::value::Value;
use crate::secrets;

/// Longer texts are not looked into.
const TEXT_BYTES_MAX: usize = 4 << 10;
/// Pieces that a text is split into.
const PIECES_MAX: usize = 64;

impl Engine<'_> {
    /// The text that a call makes of known ones; `None` where it makes none.
    pub(super) fn folded_text(&self, site: &Site) -> Option<Value> {
        let first = || site.value(0);
        match &*site.method {
            "atob" | "b64decode" | "urlsafe_b64decode" | "standard_b64decode" | "decodebytes"
            | "a2b_base64" | "DecodeString" | "decode" | "decodeBase64" | "from" | "fromhex"
            | "unhexlify" | "a2b_hex" => self.decoded(site),
            "chr" | "fromCharCode" | "fromCodePoint" => {
                let letters = site.given.iter().map(|given| letter(&given.value));
                spelled(letters).filter(|_| !site.given.is_empty())
            }
            "bytes" | "bytearray" if site.receiver.is_none() => {
                let listed = items(&first());
                spelled(listed.iter().map(letter)).filter(|_| !listed.is_empty())
            }
            // Java's `String.join(separator, …)`.
            "join" if site.given.len() > 2 => {
                let texts = site.given.iter().map(|given| given.value.known_text());
                let texts: Vec<&str> = texts.collect::<Option<_>>()?;
                Some(Value::text(&texts[1..].join(texts[0])))
            }
            // Go's `strings.Join(list, separator)`.
            "Join" if site.given.len() == 2 && !items(&first()).is_empty() => {
                site.value(1).known_text()?;
                Some(super::builtin::interleaved(&items(&first()), &site.value(1)))
            }
            "reversed" if site.receiver.is_none() => Some(turned_around(&first())?),
            "reverse" if self.is_javascript() => turned_around(&site.receiver.as_ref()?.1),
            "split" => split(&site.receiver.as_ref()?.1, &first()),
            "slice" | "substring" | "substr" => self.cut_out(site),
            _ => None,
        }
    }

    /// Base64 or hexadecimal digits, whichever the call names.
    fn decoded(&self, site: &Site) -> Option<Value> {
        let value = site.value(0);
        let text = value.known_text().filter(|text| text.len() <= TEXT_BYTES_MAX)?;
        let named = self.called_by(site);
        let second = site.value(1);
        let encoding = second.known_text().unwrap_or_default();
        let is_hex = encoding == "hex" || named.contains("hex");
        let is_base64 = encoding.starts_with("base64")
            || ["atob", "b64", "base64", "decodebytes"].iter().any(|part| named.contains(part));
        let bytes = match (is_hex, is_base64) {
            (true, _) => hexadecimal(text)?,
            (_, true) => secrets::base64(text.as_bytes())?,
            _ => return None,
        };
        Some(Value::text(&String::from_utf8(bytes).ok()?))
    }

    /// What a call is written with before its arguments, in small letters.
    fn called_by(&self, site: &Site) -> String {
        let source = self.unit(self.file).source;
        let start = (site.start as usize).min(source.len());
        let end = (site.end as usize).min(start + 120).clamp(start, source.len());
        let text = String::from_utf8_lossy(&source[start..end]).to_ascii_lowercase();
        text.rsplit_once(&site.method.to_ascii_lowercase())
            .map_or_else(|| text.clone(), |(before, _)| format!("{before}{}", site.method))
            .to_ascii_lowercase()
    }

    /// A part of a text between two numbers.
    fn cut_out(&self, site: &Site) -> Option<Value> {
        let (_, receiver) = site.receiver.as_ref()?;
        let text = receiver.known_text().filter(|text| text.len() <= TEXT_BYTES_MAX)?;
        let letters: Vec<char> = text.chars().collect();
        let length = i64::try_from(letters.len()).ok()?;
        let within = |at: i64| if at < 0 { (length + at).max(0) } else { at.min(length) };
        let start = within(site.value(0).number()?);
        let end = match site.given.get(1) {
            None => length,
            Some(_) if &*site.method == "substr" => (start + site.value(1).number()?).min(length),
            Some(_) => within(site.value(1).number()?),
        };
        let part = letters.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?;
        Some(Value::text(&part.iter().collect::<String>()))
    }
}

fn letter(value: &Value) -> Option<char> {
    char::from_u32(u32::try_from(value.number()?).ok()?)
}

fn spelled(letters: impl Iterator<Item = Option<char>>) -> Option<Value> {
    let text: Option<String> = letters.collect();
    text.map(|text| Value::text(&text))
}

/// The elements of a list, or the letters of a text, the last first.
fn turned_around(value: &Value) -> Option<Value> {
    let mut listed = match value.known_text().filter(|text| text.len() <= PIECES_MAX) {
        Some(text) => text.chars().map(|letter| Value::text(&letter.to_string())).collect(),
        None => items(value),
    };
    listed.reverse();
    (!listed.is_empty()).then(|| Value::list(listed))
}

/// The pieces of a text between known separators.
fn split(text: &Value, separator: &Value) -> Option<Value> {
    let text = text.known_text().filter(|text| text.len() <= TEXT_BYTES_MAX)?;
    let separator = separator.known_text()?;
    let pieces: Vec<Value> = match separator {
        "" => text.chars().take(PIECES_MAX + 1).map(|c| Value::text(&c.to_string())).collect(),
        _ => text.split(separator).take(PIECES_MAX + 1).map(Value::text).collect(),
    };
    (pieces.len() <= PIECES_MAX).then(|| Value::list(pieces))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_digit(16))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok());
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_split_and_turned_around() {
        let pieces = split(&Value::text("c.b.a"), &Value::text(".")).unwrap();
        let turned = turned_around(&pieces).unwrap();
        let texts: Vec<String> =
            items(&turned).iter().filter_map(|item| item.known_text().map(str::to_owned)).collect();
        assert_eq!(texts, ["a", "b", "c"]);
        assert!(split(&Value::text(&"a,".repeat(200)), &Value::text(",")).is_none());
    }

    #[test]
    fn hexadecimal_digits_stand_for_bytes() {
        assert_eq!(hexadecimal("41 4b").unwrap(), b"AK");
        assert!(hexadecimal("4g").is_none());
    }
}
