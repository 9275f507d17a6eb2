//! Credentials handed straight to what signs, logs in or encrypts: literals at
//! the place of a known function where its key or password stands. Names from
//! the libraries' manuals; words and short texts at that place are no finding.

use super::SecretHit;
use super::keywords::Found;
use super::placeholder::is_placeholder;
use super::shape::{is_key, is_password};

/// How far the arguments of a call are read.
const ARGUMENTS_BYTES_MAX: usize = 600;

/// What a function is given at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    Key,
    Password,
    /// A password, written as Java's characters.
    Characters,
}

/// How a call begins, lower case; which argument, from 0, is secret.
const CALLS: [(&str, usize, Given); 105] = [
    ("jwt.sign(", 1, Given::Key),
    ("jwt.verify(", 1, Given::Key),
    ("jwt.encode(", 1, Given::Key),
    ("jwt.decode(", 1, Given::Key),
    ("jwt::encode(", 1, Given::Key),
    ("createhmac(", 1, Given::Key),
    ("hash_hmac(", 2, Given::Key),
    ("hmac.new(", 0, Given::Key),
    ("hmacsha256(", 0, Given::Key),
    ("cookieparser(", 0, Given::Key),
    ("fernet(", 0, Given::Key),
    ("secretkeyspec(", 0, Given::Key),
    ("hmacshakeyfor(", 0, Given::Key),
    ("signwith(", 1, Given::Key),
    ("setsigningkey(", 0, Given::Key),
    ("algorithm.hmac256(", 0, Given::Key),
    ("cookiestore(", 0, Given::Key),
    ("createcipheriv(", 1, Given::Key),
    ("createdecipheriv(", 1, Given::Key),
    ("timedserializer(", 0, Given::Key),
    ("aes.new(", 0, Given::Key),
    ("oauthhandler(", 1, Given::Key),
    (".signedstring(", 0, Given::Key),
    ("clientsecretcredential(", 2, Given::Key),
    ("symmetricsecuritykey(", 0, Given::Key),
    ("keys.hmacshakeyfor(", 0, Given::Key),
    ("urlsafe_serializer(", 0, Given::Key),
    (".load(", 1, Given::Characters),
    (".getkey(", 1, Given::Characters),
    (".setkeyentry(", 2, Given::Characters),
    (".init(", 1, Given::Characters),
    ("pbekeyspec(", 0, Given::Characters),
    ("passwordprotection(", 0, Given::Characters),
    ("basicawscredentials(", 1, Given::Key),
    ("awsbasiccredentials.create(", 1, Given::Key),
    ("+= credentials(", 3, Given::Password),
    ("wifi.begin(", 1, Given::Password),
    ("wifi.softap(", 1, Given::Password),
    ("usernamepasswordcredential(", 3, Given::Password),
    ("auth = (", 1, Given::Password),
    ("new sequelize(", 2, Given::Password),
    ("plainauth(", 2, Given::Password),
    ("withcredentials(", 1, Given::Password),
    ("= ftp(", 2, Given::Password),
    ("getconnection(", 2, Given::Password),
    ("httpbasicauth(", 1, Given::Password),
    ("auth=(", 1, Given::Password),
    ("basicauth(", 1, Given::Password),
    ("basic_auth(", 1, Given::Password),
    ("basic_auth ", 1, Given::Password),
    ("basicauthentication(", 1, Given::Password),
    ("passwordauthentication(", 1, Given::Password),
    ("passwordcredentials(", 1, Given::Password),
    ("networkcredential(", 1, Given::Password),
    ("directoryentry(", 2, Given::Password),
    ("twilio::rest::client.new(", 1, Given::Key),
    ("signinwithemailandpassword(", 1, Given::Password),
    ("createuserwithemailandpassword(", 1, Given::Password),
    (".login(", 1, Given::Password),
    ("simple_bind_s(", 1, Given::Password),
    ("simple_bind(", 1, Given::Password),
    ("ldap_bind(", 2, Given::Password),
    ("mysqli(", 2, Given::Password),
    ("mysqli_connect(", 2, Given::Password),
    ("new pdo(", 2, Given::Password),
    ("dbi->connect(", 2, Given::Password),
    // Clients of services that take their keys by position.
    ("twilio(", 1, Given::Key),
    ("twilio.init(", 1, Given::Key),
    ("('twilio')(", 1, Given::Key),
    ("(\"twilio\")(", 1, Given::Key),
    ("('stripe')(", 0, Given::Key),
    ("(\"stripe\")(", 0, Given::Key),
    ("client(", 1, Given::Key),
    ("client.login(", 0, Given::Key),
    ("bot.login(", 0, Given::Key),
    ("client.run(", 0, Given::Key),
    ("bot.run(", 0, Given::Key),
    ("discordgo.new(", 0, Given::Key),
    ("jdabuilder.createdefault(", 0, Given::Key),
    ("telebot(", 0, Given::Key),
    ("telegrambot(", 0, Given::Key),
    ("telegraf(", 0, Given::Key),
    ("newbotapi(", 0, Given::Key),
    ("github(", 0, Given::Key),
    ("gitlab(", 1, Given::Key),
    ("openai(", 0, Given::Key),
    ("openai.newclient(", 0, Given::Key),
    ("webclient(", 0, Given::Key),
    ("slack.new(", 0, Given::Key),
    ("sendgrid(", 0, Given::Key),
    ("sendgridapiclient(", 0, Given::Key),
    ("newsendclient(", 0, Given::Key),
    ("algoliasearch(", 1, Given::Key),
    ("pusher(", 2, Given::Key),
    ("vonage(", 1, Given::Key),
    ("praw.reddit(", 1, Given::Key),
    ("sharedkeycredential(", 1, Given::Key),
    ("minio.new(", 2, Given::Key),
    ("newstaticv4(", 1, Given::Key),
    ("hmac.new(sha1.new, []byte(", 0, Given::Key),
    ("hmac.new(sha256.new, []byte(", 0, Given::Key),
    ("hmac.new(sha512.new, []byte(", 0, Given::Key),
    ("credentials.basic(", 1, Given::Password),
    ("mysqldb.connect(", 2, Given::Password),
    ("pymysql.connect(", 2, Given::Password),
];

/// How the calls begin.
pub(super) fn words() -> Vec<&'static str> {
    CALLS.iter().map(|(start, ..)| *start).collect()
}

/// Finds literals that functions take as keys and passwords. Tests and manuals show examples.
pub(super) fn find(content: &[u8], starts: impl Iterator<Item = Found>) -> Vec<SecretHit> {
    let found = starts.filter_map(|call| {
        let (_, place, given) = CALLS[call.word];
        let rest = &content[call.end..content.len().min(call.end + ARGUMENTS_BYTES_MAX)];
        let (mut from, to) = literal(rest, place)?;
        // How a bot's token is written into a header.
        if rest[from..to].starts_with(b"Bot ") {
            from += 4;
        }
        let value = &rest[from..to];
        let real = match given {
            Given::Key => is_key(value) && value.len() >= 16,
            Given::Password => is_password(value, true),
            Given::Characters => {
                rest[to + 1..].starts_with(b".toCharArray()") && is_password(value, true)
            }
        };
        (real && !is_placeholder(value)).then(|| hit(given, call.end + from, call.end + to))
    });
    found.collect()
}

fn hit(given: Given, start: usize, end: usize) -> SecretHit {
    let title = match given {
        Given::Key => "a key that a function is given",
        Given::Password | Given::Characters => "a password that a function is given",
    };
    SecretHit { start, end, rule: "argument-credential".to_owned(), title: title.to_owned() }
}

/// The text inside the quotes of the argument at `place`, where that argument is
/// one literal, perhaps converted (`[]byte("…")`, `"…".getBytes()`).
fn literal(rest: &[u8], place: usize) -> Option<(usize, usize)> {
    let (from, to) = argument(rest, place)?;
    let text = &rest[from..to];
    let open = text.iter().position(|byte| is_quote(*byte))?;
    let quote = text[open];
    let length = text[open + 1..].iter().position(|byte| *byte == quote)?;
    let (head, tail) = (&text[..open], &text[open + length + 2..]);
    let (head, tail) = (head.trim_ascii(), tail.trim_ascii());
    let only = |byte: &u8| byte.is_ascii_alphanumeric() || b"[]()._:".contains(byte);
    // A string's prefix, or the call that makes bytes of a text, before or after it.
    let is_alone = head.iter().chain(tail).all(only)
        && (head.len() <= 1 || head.ends_with(b"("))
        && tail.first().is_none_or(|byte| matches!(byte, b'.' | b')'));
    is_alone.then_some((from + open + 1, from + open + 1 + length))
}

/// Where the argument at `place` stands. Brackets and quotes are balanced.
fn argument(rest: &[u8], place: usize) -> Option<(usize, usize)> {
    let (mut depth, mut index, mut from) = (0usize, 0, 0);
    let mut quote = None;
    for (at, byte) in rest.iter().enumerate() {
        match (quote, *byte) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), b'\n') => return None,
            (Some(_), _) => {}
            (None, open) if is_quote(open) => quote = Some(open),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') if depth > 0 => depth -= 1,
            (None, b')' | b']' | b'}' | b';' | b',') if depth == 0 && index == place => {
                return Some((from, at));
            }
            (None, b',') if depth == 0 => (index, from) = (index + 1, at + 1),
            (None, b')' | b']' | b'}' | b';') if depth == 0 => return None,
            (None, b'\n') if depth == 0 && index == place && closes_line(&rest[from..at]) => {
                return Some((from, at));
            }
            _ => {}
        }
    }
    None
}

/// Whether an argument is complete at the line's end, as in calls without brackets.
fn closes_line(argument: &[u8]) -> bool {
    argument.trim_ascii_end().last().is_some_and(|byte| is_quote(*byte))
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let places = super::super::places::Places::of(text.as_bytes());
        let starts = places.among(super::super::places::Search::Arguments);
        let hits = find(text.as_bytes(), starts);
        hits.first().map(|hit| text[hit.start..hit.end].to_owned())
    }

    #[test]
    fn literals_at_the_secret_place_are_found() {
        const VALUE: &str = "k3Jd82hTqPz71LmVb4Rn";
        for text in [
            "jwt.sign({ id: f(a, b) }, 'V')",
            "jwt.encode(payload, \"V\", algorithm=\"HS256\")",
            "Twilio::REST::Client.new('AC1', 'V')",
            "crypto.createHmac('sha256', 'V').update(x)",
            "hmac.new(b\"V\", message, sha256)",
            "new SecretKeySpec(\"V\".getBytes(StandardCharsets.UTF_8), \"AES\")",
            "sessions.NewCookieStore([]byte(\"V\"))",
            "request.SetBasicAuth(\"svc\", \"V\")",
            "http.basic_auth 'svc', 'V'\n",
            "new PasswordAuthentication(\"u\", \"V\".toCharArray())",
            "requests.get(url, auth=('svc', 'V'))",
            "new PDO($dsn, 'app', 'V')",
            "keyStore.load(in, \"V\".toCharArray())",
            "new SymmetricSecurityKey(Encoding.UTF8.GetBytes(\"V\"))",
            "WiFi.begin(\"home\", \"V\")",
            "require('twilio')(process.env.SID, 'V')",
            "twilio(sid, 'V')",
            "Client(account_sid, \"V\")",
            "client.login('V')",
            "bot.run(\"V\")",
            "discordgo.New(\"Bot V\")",
            "JDABuilder.createDefault(\"V\")",
            "tgbotapi.NewBotAPI(\"V\")",
            "new WebClient(\"V\")",
            "hmac.New(sha256.New, []byte(\"V\"))",
            "Credentials.basic(\"me\", \"V\")",
            "new Pusher('123', 'app', 'V')",
        ] {
            let text = text.replace("='V'", "").replace('V', VALUE);
            assert_eq!(found(&text).as_deref(), Some(VALUE), "{text}");
        }
    }

    #[test]
    fn references_words_and_other_places_are_none() {
        for text in [
            "jwt.sign({ id }, process.env.SECRET1)",
            "jwt.sign({ id }, key, { jwtid: 'k3Jd82hTqPz71LmVb4Rn' })",
            "jwt.verify(token, config.get('auth.secret_v1'))",
            "createHmac('sha256', secret)",
            "page.login('bob', 'password')",
            "client.login('main_window_button')",
            "bot.run('./scripts/startup_file.py')",
            "twilio(sid, token)",
            "new HttpClient('https://example.org', 'application/json')",
            "github('organisation/repository-name')",
            "auth=('user', password1)",
            "basic_auth 'svc', ENV['PASSWORD1']\n",
            "new PDO($dsn, 'root', '')",
            "loader.load(name, \"k3Jd82hTqPz71LmVb4Rn\")",
            "keyStore.load(in, password1.toCharArray())",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
