//! What commands print about the machine and its user, as far as a word made
//! of it matters: a plain name without slashes, the user's own where it is known.

use super::text::{Field, Text};
use crate::judge::SessionState;

/// What `name` prints; `None` for a form that is not followed.
pub(super) fn printed(name: &str, arguments: &[Field], session: &SessionState) -> Option<Text> {
    match name {
        "date" => dated(arguments),
        "seq" => counted(arguments),
        "git" => {
            let words: Vec<&str> = arguments.iter().filter_map(Field::as_exact).collect();
            let top = words == ["rev-parse", "--show-toplevel"];
            top.then(|| Text::exact(&format!("{}\n", session.project_root)))
        }
        "whoami" | "logname" | "hostname" | "uname" | "nproc" | "arch" | "id" => {
            described(name, arguments, &session.home)
        }
        _ => None,
    }
}

fn described(name: &str, arguments: &[Field], home: &str) -> Option<Text> {
    let words: Vec<&str> = arguments.iter().map(Field::as_exact).collect::<Option<_>>()?;
    let user = home
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or("user");
    let printed = match (name, words.as_slice()) {
        ("whoami" | "logname", []) | ("id", ["-un" | "-nu" | "-gn" | "-ng"]) => user,
        ("id", ["-u" | "-g"]) => "1000",
        ("hostname", [] | ["-s" | "--short" | "-f" | "--fqdn"]) | ("uname", ["-n"]) => "localhost",
        ("uname", [] | ["-s" | "-o"]) => "Linux",
        ("uname", ["-m" | "-p" | "-i"]) | ("arch", []) => "x86_64",
        ("uname", ["-r"]) => "6.0.0",
        ("nproc", [] | ["--all"]) => "4",
        _ => return None,
    };
    Some(Text::exact(&format!("{printed}\n")))
}

/// What `date +FORMAT` prints, with a nought for every digit: what matters is
/// that it holds no slash, and every letter that the format writes out.
fn dated(arguments: &[Field]) -> Option<Text> {
    let format =
        arguments.iter().find_map(|word| word.as_exact()?.strip_prefix('+').map(str::to_owned))?;
    let mut printed = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            printed.push(character);
            continue;
        }
        let directive =
            characters.find(|next| !matches!(next, '-' | '_' | '^' | '#' | ':' | '0'..='9'))?;
        printed.push_str(match directive {
            'Y' | 'G' => "2000",
            'C' | 'd' | 'e' | 'H' | 'I' | 'k' | 'l' | 'm' | 'M' | 'S' | 'y' | 'g' | 'U' | 'V'
            | 'W' => "00",
            'j' | 'L' => "000",
            'u' | 'w' | 'q' => "0",
            's' => "1000000000",
            'N' => "000000000",
            'F' => "2000-00-00",
            'T' => "00:00:00",
            'R' => "00:00",
            'z' => "+0000",
            'Z' => "UTC",
            'a' => "Mon",
            'A' => "Monday",
            'b' | 'h' => "Jan",
            'B' => "January",
            'p' => "AM",
            'P' => "am",
            '%' => "%",
            _ => return None,
        });
    }
    Some(Text::exact(&format!("{printed}\n")))
}

/// What `seq [FIRST [STEP]] LAST` prints, where that is a few whole numbers.
fn counted(arguments: &[Field]) -> Option<Text> {
    const NUMBERS_MAX: usize = 32;
    let numbers: Vec<i64> =
        arguments.iter().map(|word| word.as_exact()?.parse().ok()).collect::<Option<_>>()?;
    let (first, step, last) = match numbers.as_slice() {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return None,
    };
    let mut printed = String::new();
    let mut next = first;
    for _ in 0..=NUMBERS_MAX {
        let done = if step > 0 { next > last } else { next < last };
        if done || step == 0 {
            return (step != 0).then(|| Text::exact(&printed));
        }
        printed.push_str(&format!("{next}\n"));
        next = next.checked_add(step)?;
    }
    None
}
