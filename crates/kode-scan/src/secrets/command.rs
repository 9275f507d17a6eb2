//! Passwords in command lines that shells, build files and manuals of machines
//! hold: options of known programs, what is piped into a login, SQL's
//! `IDENTIFIED BY`. Variables and words are no finding.

use super::SecretHit;
use super::keywords::Found;
use super::placeholder::is_placeholder;
use super::programs::{COMMANDS, Taken};
use super::shape::is_password;

/// How far from a program's name its option may stand.
const COMMAND_BYTES_MAX: usize = 600;

/// A range of the rest of the line, where the password stands.
type Range = (usize, usize);

/// How the commands begin.
pub(super) fn words() -> Vec<&'static str> {
    COMMANDS.iter().map(|(start, _)| *start).collect()
}

/// Finds passwords in commands. Tests hold only examples, manuals mostly.
pub(super) fn find(content: &[u8], starts: impl Iterator<Item = Found>) -> Vec<SecretHit> {
    let found = starts.filter_map(|start| {
        let before = start.start.checked_sub(1).map(|at| content[at]);
        let taken = COMMANDS[start.word].1;
        let (from, to) = if matches!(taken, Taken::Before) {
            before_network(&content[..start.start])?
        } else {
            let starts_word = before.is_none_or(|byte| !byte.is_ascii_alphanumeric());
            let range = starts_word.then(|| taken_from(taken, line_of(content, start.end)))??;
            (start.end + range.0, start.end + range.1)
        };
        let value = &content[from..to];
        (is_password(value, false) && !is_placeholder(value)).then(|| SecretHit {
            start: from,
            end: to,
            rule: "command-password".to_owned(),
            title: "a password in a command".to_owned(),
        })
    });
    found.collect()
}

fn taken_from(taken: Taken, line: &[u8]) -> Option<Range> {
    match taken {
        Taken::Option(option, attached) => option_value(line, option.as_bytes(), attached),
        Taken::User(options, separator) => {
            let (from, to) =
                options.iter().map(|option| option.trim_end().as_bytes()).find_map(|option| {
                    option_value(line, option, true).or_else(|| option_value(line, option, false))
                })?;
            user_and_password(line, (from, to), separator)
        }
        Taken::Piped => piped(line),
        Taken::Next => {
            let open = line.iter().take(24).position(|byte| matches!(byte, b'"' | b'\''))?;
            word(line, open)
        }
        Taken::Pair => {
            let open = line.iter().take(24).position(|byte| matches!(byte, b'"' | b'\''))?;
            after_separator(line, word(line, open)?, b':')
        }
        Taken::Behind => word(line, 0),
        Taken::Word(place) => {
            // `name=value` is no password but a setting of the program.
            plain_words(line).nth(place).filter(|(from, to)| !line[*from..*to].contains(&b'='))
        }
        Taken::Last(letter) => last_word(line, letter),
        Taken::Slash => {
            let (from, to) =
                plain_words(line).find(|(from, to)| line[*from..*to].contains(&b'/'))?;
            let (from, to) = after_separator(line, (from, to), b'/')?;
            let host = line[from..to].iter().position(|byte| *byte == b'@');
            Some((from, host.map_or(to, |host| from + host)))
        }
        Taken::Before => None,
    }
}

/// The password behind the separator, which may have quotes of its own:
/// `user:'password'`, `"user":"password"`; a key with nothing behind it.
fn user_and_password(line: &[u8], (from, to): Range, separator: u8) -> Option<Range> {
    let quote = |at: usize| line.get(at).is_some_and(|byte| matches!(byte, b'"' | b'\''));
    if line[from..to].ends_with(&[separator]) {
        return if quote(to) && !quote(from.wrapping_sub(1)) {
            word(line, to)
        } else {
            Some((from, to - 1))
        };
    }
    if quote(to) && line.get(to + 1) == Some(&separator) {
        return word(line, to + 2);
    }
    after_separator(line, (from, to), separator)
}

fn after_separator(line: &[u8], (from, to): Range, separator: u8) -> Option<Range> {
    let at = line[from..to].iter().position(|byte| *byte == separator)?;
    Some((from + at + 1, to))
}

/// The words of a command that are no options, up to a redirection or the next command.
fn plain_words(line: &[u8]) -> impl Iterator<Item = Range> {
    let is_end = |byte: &u8| b"|;&<>#".contains(byte);
    let line = &line[..line.iter().position(is_end).unwrap_or(line.len())];
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < line.len() {
            at += line[at..].iter().take_while(|byte| b" \t\r\n\\".contains(byte)).count();
            let rest = line.get(at..).filter(|rest| !rest.is_empty())?;
            let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            let found = word(line, at);
            let start = at;
            at = found.map_or(at + length, |(_, to)| to + 1).max(at + 1);
            if !matches!(line[start], b'-' | b'/')
                && let Some(found) = found
            {
                return Some(found);
            }
        }
        None
    })
}

/// `htpasswd -b FILE USER PASSWORD`, `net use Z: \\\\HOST\\SHARE PASSWORD /user:USER`.
fn last_word(line: &[u8], letter: u8) -> Option<Range> {
    let mut options = line.split(u8::is_ascii_whitespace).filter(|word| word.starts_with(b"-"));
    let says_so = letter == 0 || options.any(|option| option.contains(&letter));
    let is_place = |range: &Range| line[range.0..range.1].iter().any(|b| b"\\:".contains(b));
    let words = plain_words(line).filter(|range| !is_place(range));
    says_so.then(|| words.last()).flatten()
}

/// A command's line, with those that a backslash at the end adds.
fn line_of(content: &[u8], from: usize) -> &[u8] {
    let rest = &content[from..content.len().min(from + COMMAND_BYTES_MAX)];
    let ends = |at: &usize| rest[*at] == b'\n' && (*at == 0 || rest[*at - 1] != b'\\');
    &rest[..(0..rest.len()).find(ends).unwrap_or(rest.len())]
}

/// The value of an option that stands as a word of its own.
fn option_value(line: &[u8], option: &[u8], attached: bool) -> Option<Range> {
    let windows = line.windows(option.len()).enumerate();
    let mut starts = windows.filter(|(at, window)| {
        *window == option && (*at == 0 || line[at - 1].is_ascii_whitespace())
    });
    starts.find_map(|(at, _)| {
        let after = at + option.len();
        let next = *line.get(after)?;
        let spaces = line[after..].iter().take_while(|byte| **byte == b' ').count();
        match next {
            b' ' if !attached || option == b"-u" || option == b"--user" => {
                word(line, after + spaces)
            }
            b'=' => word(line, after + 1),
            byte if attached && !byte.is_ascii_whitespace() && byte != b'-' => word(line, after),
            _ => None,
        }
    })
}

/// A word of a command line, without its quotes.
fn word(line: &[u8], from: usize) -> Option<Range> {
    let quote = line.get(from).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let start = from + usize::from(quote.is_some());
    let ends = |byte: &u8| match quote {
        Some(quote) => *byte == quote,
        None => byte.is_ascii_whitespace() || b"\"'`;|&<>".contains(byte),
    };
    let rest = line.get(start..)?;
    let length = rest.iter().position(ends).or(quote.is_none().then_some(rest.len()))?;
    let value = &rest[..length];
    let is_variable = value.contains(&b'$') && quote != Some(b'\'');
    (!is_variable && !value.starts_with(b"-")).then_some((start, start + length))
}

/// `echo 'user:password' | chpasswd`, `echo password | docker login --password-stdin`.
fn piped(line: &[u8]) -> Option<Range> {
    let (from, to) = word(line, 0)?;
    let pipe = to + line[to..].iter().take(3).position(|byte| *byte == b'|')?;
    let into = &line[pipe..];
    let has = |wanted: &[u8]| into.windows(wanted.len()).any(|window| window == wanted);
    if has(b"chpasswd") {
        let colon = line[from..to].iter().position(|byte| *byte == b':')?;
        return Some((from + colon + 1, to));
    }
    (has(b"--password-stdin") || has(b"sudo -S") || has(b"passwd --stdin")).then_some((from, to))
}

/// Go's `user:password@tcp(host:port)/database`.
fn before_network(before: &[u8]) -> Option<Range> {
    let part = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'`/".contains(byte);
    let start = before.len() - before.iter().rev().take(200).take_while(part).count();
    let colon = before[start..].iter().position(|byte| *byte == b':')?;
    let is_literal = start > 0 && matches!(before[start - 1], b'"' | b'\'' | b'`');
    let is_setting = start == 0 || before[start - 1].is_ascii_whitespace();
    let value = &before[start + colon + 1..];
    ((is_literal || is_setting) && !value.starts_with(b"%"))
        .then_some((start + colon + 1, before.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let places = super::super::places::Places::of(text.as_bytes());
        let starts = places.among(super::super::places::Search::Command);
        let hits = find(text.as_bytes(), starts);
        hits.first().map(|hit| text[hit.start..hit.end].to_owned())
    }

    #[test]
    fn passwords_in_commands_are_found() {
        for text in [
            "curl -s -u admin:V https://ci.acme.io",
            "curl \\\n  --user 'admin:V' https://ci.acme.io",
            "curl --user admin:'V' -X PATCH https://ci.acme.io",
            "curl --user \"admin\":\"V\" https://ci.acme.io",
            "curl -u V: https://api.acme.io",
            "curl -k --proxy-user admin:V https://ci.acme.io",
            "mysql -u root -pV shop < dump.sql",
            "sshpass -p 'V' ssh root@10.1.2.3",
            "docker login -u bot -p V registry.acme.io",
            "redis-cli -h cache -a V ping",
            "echo \"root:V\" | chpasswd",
            "echo V | docker login -u bot --password-stdin",
            "CREATE USER app IDENTIFIED BY 'V';",
            "ConvertTo-SecureString \"V\" -AsPlainText -Force",
            "ConvertTo-SecureString -String \"V\" -AsPlainText",
            "dsn := \"app:V@tcp(db1:3306)/shop\"",
            "htpasswd -bc /etc/nginx/users admin V",
            "net use Z: \\\\nas\\share V /user:svc",
            "net use Z: \\\\nas\\share /user:svc V",
            "sqlplus -S app/V@ORCL @run.sql",
            "curl_setopt($ch, CURLOPT_USERPWD, 'svc:V');",
            "withUser(\"a\").password(\"{noop}V\")",
            "rabbitmqctl add_user app V",
            "mc alias set prod https://s3.acme.io ci V",
            "smbclient //nas/share -U svc%V",
            "xfreerdp /v:host /u:svc /p:V",
            "skopeo copy --src-creds bot:V a b",
        ] {
            let text = text.replace('V', "k3Jd82hTq!");
            assert_eq!(found(&text).as_deref(), Some("k3Jd82hTq!"), "{text}");
        }
    }

    #[test]
    fn variables_and_other_options_are_none() {
        for text in [
            "curl -u \"$USER1:$PASSWORD1\" https://ci.acme.io",
            "curl https://ci.acme.io -X POST",
            "mysql -u root -p\"$MYSQL_PASSWORD1\" shop",
            "mysql -u root -p shop1",
            "mkdir -p build/out1",
            "docker run -p 8080:80 image1",
            "echo \"${PASSWORD1}\" | docker login --password-stdin",
            "echo build1:done | tee log",
            "fmt.Sprintf(\"%s:%s@tcp(%s)/%s\", u, p1, h, d)",
            "identified by its name1",
            "htpasswd -c /etc/nginx/users admin1",
            "net use Z: \\\\nas1\\share /user:svc",
            "sqlplus /nolog @run1.sql",
            "curl_setopt($ch, CURLOPT_USERPWD, $user1 . ':' . $pass1);",
            "rabbitmqctl add_user app \"$RABBIT_PASSWORD1\"",
            "vault login -method=oidc role=dev1",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
