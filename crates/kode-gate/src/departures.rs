//! Secret text and a host that nobody listed never meet: what a session's label
//! and a command's own reading say of the hosts it would talk to. Judges what is
//! known of hosts and addresses; it looks into no file.

use kode_base::{RiskClass, WebFetch};

use crate::assessment::{Assessment, Question, QuestionKind, Refusal};
use crate::judge::SessionState;

/// A page's address that is longer, or has a longer word, can carry a credential.
const ADDRESS_LENGTH_MAX: usize = 160;
const ADDRESS_WORD_MAX: usize = 20;

/// Denies or asks where a command's hosts and a secret would meet.
pub(crate) fn secret_and_egress(
    assessment: &mut Assessment,
    hosts: &[Option<String>],
    reads_secret: bool,
    state: &SessionState,
) {
    let unlisted = hosts.iter().any(|host| !host.as_ref().is_some_and(|host| listed(host, state)));
    if unlisted && state.secret_in_context {
        return deny(
            assessment,
            "secret text is in the context, and the host is not on the user's list",
        );
    }
    // Asked by a person, a credential may go to the host they named. With
    // untrusted text around, only there.
    let unnamed = hosts
        .iter()
        .any(|host| !host.as_ref().is_some_and(|host| named(host, state) || listed(host, state)));
    if unnamed && reads_secret && state.untrusted_in_context {
        let text = "a command that reads a credential talks to a host you never named, and \
                    untrusted text is in the context";
        deny(assessment, text);
    } else if unnamed && state.credential_opened && state.untrusted_in_context {
        let text = "a program opened a credential earlier: what it wrote or printed may hold it in \
                    another form, and you neither named nor listed the host";
        deny(assessment, text);
    }
    if unlisted && reads_secret {
        ask(assessment, "a command that reads a credential also talks to a host");
    } else if unlisted && state.credential_opened {
        ask(assessment, OPENED_BEFORE);
    }
}

const OPENED_BEFORE: &str = "a program opened a credential earlier: what it wrote or printed may \
                             hold it in another form";

/// The same for a page that kode reads itself: nothing but its address leaves, so
/// one that has no room for a credential needs a person and no more.
pub(crate) fn secret_in_address(
    assessment: &mut Assessment,
    fetch: &WebFetch,
    state: &SessionState,
) {
    let host = fetch.host.as_str();
    if listed(host, state) {
        return;
    }
    if state.secret_in_context {
        return deny(
            assessment,
            "secret text is in the context, and the host is not on the user's list",
        );
    }
    if !state.credential_opened {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "the gate is what looks into addresses")]
    let roomy = has_room(host, fetch.target.expose());
    if roomy && state.untrusted_in_context && !named(host, state) {
        let text = "a program opened a credential earlier, and this address has room for it in \
                    another form";
        deny(assessment, text);
    }
    ask(assessment, OPENED_BEFORE);
}

/// Whether something like a credential fits into the address: names of pages are
/// words.
fn has_room(host: &str, target: &str) -> bool {
    let long = |text: &str| {
        text.split(|each: char| !each.is_alphanumeric()).any(|word| word.len() > ADDRESS_WORD_MAX)
    };
    let digits = target.bytes().filter(u8::is_ascii_digit).count();
    host.len() + target.len() > ADDRESS_LENGTH_MAX
        || digits > ADDRESS_WORD_MAX
        || long(host)
        || long(target)
}

fn deny(assessment: &mut Assessment, text: &str) {
    let class = RiskClass::NetworkEgress;
    assessment.denial = Some(Refusal { name: "secret_egress", class, text: text.to_owned() });
}

fn ask(assessment: &mut Assessment, text: &str) {
    let text = text.to_owned();
    assessment.questions.push(Question { kind: QuestionKind::Secret, text });
}

/// Whether the user's or managed configuration lists `host`.
pub(crate) fn listed(host: &str, state: &SessionState) -> bool {
    state.listed_hosts.iter().any(|each| {
        let each = each.strip_suffix(":80").unwrap_or(each);
        let suffix = each.strip_prefix("*.");
        host.eq_ignore_ascii_case(each)
            || suffix.is_some_and(|suffix| {
                host.strip_suffix(suffix).is_some_and(|before| before.ends_with('.'))
            })
    })
}

/// Whether the user's own words hold `host` as a whole word.
pub(crate) fn named(host: &str, state: &SessionState) -> bool {
    let words = state.user_words.to_ascii_lowercase();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    words.match_indices(host).any(|(at, _)| {
        let before = at.checked_sub(1).map(|before| words.as_bytes()[before]);
        let after = words.as_bytes().get(at + host.len()).copied();
        let next = words.as_bytes().get(at + host.len() + 1).copied();
        // A full stop after the name may end the sentence.
        let ends = after.is_none_or(|byte| {
            !is_part(byte) || byte == b'.' && next.is_none_or(|next| !is_part(next))
        });
        !before.is_some_and(is_part) && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pages_have_no_room_for_a_credential() {
        for target in [
            "/",
            "/tokio/latest/tokio/runtime/struct.Builder.html",
            "/docs/guides/getting-started-with-async-await",
            "/search?q=how+to+parse+json&page=2",
            "/issues/12345#issuecomment-1234567",
        ] {
            assert!(!has_room("docs.rs", target), "{target}");
        }
        for target in [
            "/?k=6b632d39663865376436633562",
            "/a2MtOWY4ZTdkNmM1YjRhMzIxMGZmZWU",
            "/141/060/113/137/071/146/070/145/067",
            &"/ab".repeat(60),
        ] {
            assert!(has_room("x.example", target), "{target}");
        }
        assert!(has_room("6b632d396638653764366335623461.x.example", "/"));
    }
}
