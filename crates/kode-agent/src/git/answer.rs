//! Takes apart what `git cat-file --batch` answers.

use kode_base::{ProjectPath, Untrusted};

/// Where the message of a commit or a tag stands in findings.
const MESSAGE_PATH: &str = "commit-message.txt";

/// One content that is new in git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitContent {
    /// Its path there.
    pub(crate) path: ProjectPath,
    /// Its bytes.
    pub(crate) bytes: Untrusted<Vec<u8>>,
}

/// Reads every `<type> <size> <path>\n<bytes>\n`; blobs, commits and tags count.
///
/// # Errors
/// When an answer is not of that form.
pub(super) fn parse(mut output: &[u8]) -> Result<Vec<GitContent>, String> {
    let mut contents = Vec::new();
    while !output.is_empty() {
        let (content, rest) = next(output)
            .ok_or("git's answer could not be read, so new commits were not inspected")?;
        contents.extend(content);
        output = rest;
    }
    Ok(contents)
}

fn next(output: &[u8]) -> Option<(Option<GitContent>, &[u8])> {
    let end = output.iter().position(|byte| *byte == b'\n')?;
    let (header, rest) = (String::from_utf8_lossy(&output[..end]), &output[end + 1..]);
    if header.ends_with(" missing") {
        // An object kept elsewhere, such as one a partial clone left out.
        return Some((None, rest));
    }
    let mut parts = header.splitn(3, ' ');
    let (kind, size) = (parts.next()?, parts.next()?.parse::<usize>().ok()?);
    let name = parts.next().unwrap_or_default();
    let bytes = rest.get(..size)?.to_vec();
    let rest = rest.get(size + 1..)?;
    let path = match kind {
        "blob" => readable(name),
        "commit" | "tag" => ProjectPath::new(MESSAGE_PATH).ok()?,
        _ => return Some((None, rest)),
    };
    Some((Some(GitContent { path, bytes: Untrusted::new(bytes) }), rest))
}

/// git quotes names with unusual bytes; what counts here is the ending.
fn readable(name: &str) -> ProjectPath {
    let name = name.trim().trim_matches('"').trim_start_matches('/');
    ProjectPath::new(name).unwrap_or_else(|_| ProjectPath::root())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_and_messages_are_taken_and_trees_left() {
        let output =
            b"blob 3 src/a.js\nx\ny\ncommit 5 \nhello\ntree 2 \nab\ntag 1 \nx\nblob 1 \"b\\n.py\"\nz\n";
        let contents = parse(output).unwrap();
        let paths: Vec<&str> = contents.iter().map(|content| content.path.as_str()).collect();
        assert_eq!(paths, ["src/a.js", "commit-message.txt", "commit-message.txt", "b\\n.py"]);
        assert_eq!(contents[0].bytes, Untrusted::new(b"x\ny".to_vec()));
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        assert!(parse(b"blob 30 a.js\nshort\n").is_err());
        assert!(parse(b"nonsense\n").is_err());
        assert_eq!(parse(b"abc missing\n").unwrap(), []);
    }
}
