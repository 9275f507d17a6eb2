//! What goes on without end: loops that start something in the background
//! every round, which are fork bombs without a function, and programs that
//! write for ever. What waits for its children or stops is left alone.

use kode_base::RiskClass;

use super::text::Stream;
use super::{Evaluator, Taint};
use crate::assessment::QuestionKind;
use crate::shell::syntax::{AndOr, Command, CommandKind, Piece, Script, Word};

/// Functions followed into functions when looking for what is started.
const FOLLOWED_MAX: usize = 4;

/// What the rounds of a loop do about the processes they start.
#[derive(Debug, Default, Clone, Copy)]
struct Rounds {
    /// Something is started in the background.
    starts: bool,
    /// A round waits for it.
    waits: bool,
    /// A round takes time, or may be the last one.
    slow: bool,
}

/// Whether text that this parser refuses is the well-known fork bomb, which
/// other shells read with fewer blanks: `:(){:|:&};:`.
pub(super) fn reads_as_fork_bomb(text: &str) -> bool {
    let ends = |each: char| if matches!(each, '\n' | '\r') { ';' } else { each };
    let blank = |each: &char| !matches!(each, ' ' | '\t');
    let compact: String = text.chars().filter(blank).map(ends).take(4_096).collect();
    compact.match_indices("(){").any(|(at, _)| {
        let name: String = compact[..at]
            .chars()
            .rev()
            .take_while(|each| !";&|(){}'\"".contains(*each))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let name = name.strip_prefix("function").filter(|rest| !rest.is_empty()).unwrap_or(&name);
        !name.is_empty()
            && compact[at + 3..].trim_start_matches(';').starts_with(&format!("{name}|{name}&"))
    })
}

impl Evaluator<'_> {
    /// A script that starts itself twice in the background: `$0 & $0 &`.
    pub(super) fn judge_respawning(&mut self, script: &Script) {
        let background = script.lists.iter().filter(|list| list.background);
        if background.flat_map(commands).filter(|command| starts_itself(command)).count() > 1 {
            let text = "starts itself again and again in the background: a fork bomb";
            self.found.refuse("fork_bomb", RiskClass::Blocked, text);
        }
    }

    /// Judges the body of a loop that nothing but its body ends.
    pub(super) fn judge_endless(&mut self, body: &Script) {
        let mut rounds = Rounds::default();
        self.look_through(body, &mut rounds, 0);
        if !rounds.starts || rounds.waits {
            return;
        }
        let text = "the loop starts something in the background again and again, without end";
        if rounds.slow {
            self.found.ask(QuestionKind::Guard, text);
        } else {
            self.found.refuse("fork_bomb", RiskClass::Blocked, text);
        }
    }

    /// What writes without end fills a disk or keeps a processor busy.
    pub(super) fn ask_about_endless(&mut self, output: &Stream) {
        if output.text.taint.has(Taint::ENDLESS) {
            self.found.ask(QuestionKind::Guard, "it writes without end until it is stopped");
        }
    }

    fn look_through(&self, script: &Script, rounds: &mut Rounds, depth: usize) {
        for list in &script.lists {
            if list.background {
                // What runs beside the loop does not slow it down.
                rounds.starts = true;
                continue;
            }
            for command in commands(list) {
                self.look_at_command(command, rounds, depth);
            }
        }
    }

    fn look_at_command(&self, command: &Command, rounds: &mut Rounds, depth: usize) {
        match &command.kind {
            CommandKind::Simple { words, .. } => self.look_at_word(words, rounds, depth),
            CommandKind::Group(script) | CommandKind::Subshell(script) => {
                self.look_through(script, rounds, depth);
            }
            CommandKind::If { branches, otherwise } => {
                let parts = branches.iter().flat_map(|(condition, body)| [condition, body]);
                for script in parts.chain(otherwise) {
                    self.look_through(script, rounds, depth);
                }
            }
            CommandKind::Loop { condition, body, .. } => {
                self.look_through(condition, rounds, depth);
                self.look_through(body, rounds, depth);
            }
            CommandKind::For { body, .. } | CommandKind::ArithmeticFor { body, .. } => {
                self.look_through(body, rounds, depth);
            }
            CommandKind::Case { arms, .. } => {
                for (_, body) in arms {
                    self.look_through(body, rounds, depth);
                }
            }
            CommandKind::Coprocess { .. } => rounds.starts = true,
            _ => {}
        }
    }

    fn look_at_word(&self, words: &[Word], rounds: &mut Rounds, depth: usize) {
        let Some(name) = words.first().and_then(Word::as_plain) else { return };
        match name {
            "wait" => rounds.waits = true,
            "sleep" => rounds.slow |= words.get(1).and_then(Word::as_plain) != Some("0"),
            "break" | "exit" | "return" | "read" | "inotifywait" => rounds.slow = true,
            _ => {}
        }
        if let Some((body, _)) = self.state.functions.get(name).filter(|_| depth < FOLLOWED_MAX) {
            self.look_at_command(body, rounds, depth + 1);
        }
    }
}

/// Whether the command is the running script: `$0`, `./$0`, `"$0" x`.
fn starts_itself(command: &Command) -> bool {
    let CommandKind::Simple { words, .. } = &command.kind else { return false };
    let Some(word) = words.first() else { return false };
    let own = |piece: &&Piece| matches!(piece, Piece::Parameter { parameter, .. } if parameter.name == "0" && parameter.operator.is_empty());
    let here = |piece: &&Piece| matches!(literal(piece).as_deref(), Some("" | "./"));
    word.pieces.iter().filter(own).count() == 1
        && word.pieces.iter().all(|piece| own(&piece) || here(&piece))
}

fn commands(list: &AndOr) -> impl Iterator<Item = &Command> {
    list.pipelines.iter().flat_map(|pipeline| &pipeline.commands)
}

/// Whether a loop's condition holds for ever: `while true`, `while [ 1 ]`,
/// `while ((1))`, `while sleep 1`, `until false`.
pub(super) fn never_ends(condition: &Script, until: bool) -> bool {
    let Some(command) = condition.lists.last().and_then(|list| commands(list).last()) else {
        return false;
    };
    match &command.kind {
        CommandKind::Simple { words, .. } => {
            let plain: Option<Vec<&str>> = words.iter().map(Word::as_plain).collect();
            let plain = plain.unwrap_or_default();
            match plain.as_slice() {
                ["false", ..] | ["[", "]"] | ["test"] => until,
                [":" | "true" | "sleep" | "echo" | "printf" | "date", ..] => !until,
                ["[", constant, "]"] | ["test", constant] => !until && !constant.is_empty(),
                _ => false,
            }
        }
        CommandKind::Arithmetic(word) => {
            let number = word.pieces.iter().map(literal).collect::<Option<String>>();
            let number = number.and_then(|text| text.trim().parse::<i64>().ok());
            number.is_some_and(|number| (number == 0) == until)
        }
        CommandKind::Test(words) => match words.as_slice() {
            [only] => !until && only.as_plain().is_some_and(|text| !text.is_empty()),
            _ => false,
        },
        _ => false,
    }
}

/// Whether `for ((a; b; c))` has no condition, or one that always holds.
pub(super) fn counts_without_end(expressions: &Word) -> bool {
    let text: String = expressions.pieces.iter().filter_map(literal).collect();
    let condition = text.split(';').nth(1).unwrap_or_default().trim();
    condition.is_empty() || condition.parse::<i64>().is_ok_and(|number| number != 0)
}

fn literal(piece: &Piece) -> Option<String> {
    match piece {
        Piece::Literal { text, .. } => Some(text.clone()),
        _ => None,
    }
}
