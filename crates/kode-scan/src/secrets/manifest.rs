//! Kubernetes' `Secret` manifests: what stands below `data` is a credential in base64,
//! whatever it is called. Certificates, names and stand-ins are none.

use kode_base::ProjectPath;

use super::SecretHit;
use super::placeholder::is_placeholder;
use super::structure::base64;

/// The most lines of a file that are looked at.
const LINES_MAX: usize = 20_000;
/// The shortest encoded value: eight bytes are twelve letters.
const ENCODED_LEAST: usize = 12;
/// Names of what is public, or no secret by itself, as parts of a name.
const PUBLIC: [&str; 9] = ["user", "crt", "cert", "ca.", "pub", "host", "url", "email", "name"];

/// One line: where it begins, how far it is indented, and its text.
type Line<'a> = (usize, usize, &'a [u8]);

/// Finds the values of manifests whose kind is `Secret`.
pub(super) fn find(path: &ProjectPath, content: &[u8]) -> Vec<SecretHit> {
    let is_manifest = matches!(path.extension(), Some("yaml" | "yml"))
        && memchr::memmem::find(content, b"kind").is_some();
    if !is_manifest {
        return Vec::new();
    }
    let lines = lines_of(content);
    let documents = lines.split(|(_, _, text)| text.starts_with(b"---"));
    documents.filter(|lines| is_secret(lines)).flat_map(|lines| values(lines, content)).collect()
}

fn lines_of(content: &[u8]) -> Vec<Line<'_>> {
    let mut start = 0;
    let lines = content.split_inclusive(|byte| *byte == b'\n').take(LINES_MAX).map(|line| {
        let text = line.trim_ascii_start();
        let indent = line.len() - text.len();
        let found = (start + indent, indent, text.trim_ascii_end());
        start += line.len();
        found
    });
    lines.filter(|(_, _, text)| !text.is_empty() && !text.starts_with(b"#")).collect()
}

fn is_secret(lines: &[Line<'_>]) -> bool {
    lines.iter().any(|(_, _, text)| {
        let kind = text.strip_prefix(b"kind:").map(|kind| unquoted(kind.trim_ascii()).1);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(b"secret"))
    })
}

/// The credentials below `data:`.
fn values(lines: &[Line<'_>], content: &[u8]) -> Vec<SecretHit> {
    let Some(data) = lines.iter().position(|(_, _, text)| *text == b"data:") else {
        return Vec::new();
    };
    let outer = lines[data].1;
    let below = &lines[data + 1..];
    let end = below.iter().position(|(_, indent, _)| *indent <= outer).unwrap_or(below.len());
    let below = &below[..end];
    let hits = below.iter().enumerate().filter_map(|(at, (start, _, text))| {
        let colon = text.iter().position(|byte| *byte == b':')?;
        let (name, written) = (&text[..colon], &text[colon + 1..]);
        let value = written.trim_ascii_start();
        let (from, value) = match value {
            [b'|' | b'>', ..] => below.get(at + 1).map(|(from, _, text)| (*from, *text))?,
            _ => (start + text.len() - value.len(), value),
        };
        let (quote, value) = unquoted(value);
        is_credential(name, value).then(|| hit(from + quote, value.len()))
    });
    hits.filter(|hit| hit.end <= content.len()).collect()
}

/// Whether a value is base64 of something secret.
fn is_credential(name: &[u8], value: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let is_base64 = value.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b));
    if value.len() < ENCODED_LEAST || !is_base64 || PUBLIC.iter().any(|part| name.contains(part)) {
        return false;
    }
    let decoded = base64(value).filter(|_| value.len().is_multiple_of(4));
    decoded.is_some_and(|text| {
        let is_public = [&b"CERTIFICATE"[..], b"PUBLIC KEY", b"://localhost"]
            .iter()
            .any(|mark| memchr::memmem::find(&text, mark).is_some());
        !is_public && !is_placeholder(&text)
    })
}

/// A value without its quotes, and how many bytes stand before it.
fn unquoted(value: &[u8]) -> (usize, &[u8]) {
    match value {
        [first @ (b'"' | b'\''), inner @ .., last] if first == last => (1, inner),
        _ => (0, value),
    }
}

fn hit(start: usize, length: usize) -> SecretHit {
    let title = "a credential in a Secret's manifest".to_owned();
    SecretHit { start, end: start + length, rule: "manifest-credential".to_owned(), title }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let path = ProjectPath::new("deploy/secret.yaml").unwrap();
        let hits = find(&path, text.as_bytes());
        hits.iter().map(|hit| text[hit.start..hit.end].to_owned()).collect()
    }

    #[test]
    fn values_of_a_secret_are_found_wherever_its_kind_stands() {
        for text in [
            "kind: Secret\ndata:\n  # why\n  key: azNKZDgyaFRxIQ==\n  username: YWRtaW5pc3Rlcg==\n",
            "data:\n\textra: 'azNKZDgyaFRxIQ=='\nkind: 'Secret'\n",
            "a: 1\n---\nkind: \"Secret\"\ndata:\n  .dockercfg: |\n    azNKZDgyaFRxIQ==\ntype: x\n",
        ] {
            assert_eq!(found(text), ["azNKZDgyaFRxIQ=="], "{text}");
        }
    }

    #[test]
    fn other_kinds_templates_and_certificates_are_none() {
        for text in [
            "kind: ConfigMap\ndata:\n  key: azNKZDgyaFRxIQ==\n",
            "kind: ExternalSecret\nspec:\n  data:\n    - secretKey: azNKZDgyaFRxIQ==\n",
            "kind: Secret\ndata:\n  key: {{ .Values.key | b64enc }}\n",
            "kind: Secret\ndata:\n  key: \"\"\nmore: azNKZDgyaFRxIQ==\n",
            "kind: Secret\ndata:\n  tls.crt: azNKZDgyaFRxIQ==\n",
            "kind: Secret\ndata:\n  key: Y2hhbmdlbWU=\n",
            "kind: Secret\ndata:\n  key: YmFyCg==\n---\nkind: A\ndata:\n  x: azNKZDgyaFRxIQ==\n",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
