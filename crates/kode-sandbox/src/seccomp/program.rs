//! Classic BPF as seccomp reads it: instructions and the few shapes of code
//! that the rules are made of. Every shape ends in a `ret`.

/// One instruction, laid out as the kernel's `sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Instruction {
    pub(crate) code: u16,
    pub(crate) if_true: u8,
    pub(crate) if_false: u8,
    pub(crate) value: u32,
}

/// Opcodes (linux/bpf_common.h): load a word at a fixed offset, jumps, return.
pub(crate) const LOAD: u16 = 0x20;
pub(crate) const JUMP: u16 = 0x05;
pub(crate) const JUMP_EQUAL: u16 = 0x15;
pub(crate) const JUMP_AT_LEAST: u16 = 0x35;
pub(crate) const JUMP_ANY_BIT: u16 = 0x45;
pub(crate) const AND: u16 = 0x54;
pub(crate) const RETURN: u16 = 0x06;

/// Offsets in `seccomp_data` (linux/seccomp.h).
pub(crate) const OFFSET_NUMBER: u32 = 0;
pub(crate) const OFFSET_ARCHITECTURE: u32 = 4;
const OFFSET_ARGUMENTS: u32 = 16;

/// What the kernel does with a call (linux/seccomp.h).
pub(crate) const ALLOW: u32 = 0x7fff_0000;
pub(crate) const KILL: u32 = 0x8000_0000;

/// The call fails with this error number.
pub(crate) const fn fail_with(error: i32) -> u32 {
    0x0005_0000 | (error as u32 & 0xffff)
}

/// A condition on a call's arguments. Only the low 32 bits count: that is
/// what the kernel itself reads of flags, modes, families and requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    /// Any of these bits is set in this argument.
    AnyBit(usize, u32),
    /// This argument, masked, is this value.
    MaskedEqual(usize, u32, u32),
    /// This argument is none of these values.
    NotOneOf(usize, &'static [u32]),
}

pub(crate) const fn statement(code: u16, value: u32) -> Instruction {
    Instruction { code, if_true: 0, if_false: 0, value }
}

pub(crate) const fn jump(code: u16, value: u32, if_true: u8, if_false: u8) -> Instruction {
    Instruction { code, if_true, if_false, value }
}

/// Refuses unless the calls are this machine's own and not x32.
pub(crate) fn prologue(architecture: u32, x32_bit: Option<u32>) -> Vec<Instruction> {
    let mut program = vec![
        statement(LOAD, OFFSET_ARCHITECTURE),
        jump(JUMP_EQUAL, architecture, 1, 0),
        statement(RETURN, KILL),
        statement(LOAD, OFFSET_NUMBER),
    ];
    if let Some(bit) = x32_bit {
        program.push(jump(JUMP_AT_LEAST, bit, 0, 1));
        program.push(statement(RETURN, fail_with(libc::ENOSYS)));
    }
    program
}

/// What happens to calls with neighbouring numbers, most often to one.
#[derive(Debug)]
pub(crate) struct Rule {
    first: u32,
    last: u32,
    /// What they end in whatever their arguments are.
    always: Option<u32>,
    code: Vec<Instruction>,
}

impl Rule {
    /// Of calls that always end in `action`, which are told from others by their first
    /// and last number alone.
    fn of_range(first: u32, last: u32, action: u32) -> Self {
        let code = vec![
            jump(JUMP_AT_LEAST, first, 0, 2),
            jump(JUMP_AT_LEAST, last + 1, 1, 0),
            statement(RETURN, action),
            statement(RETURN, ALLOW),
        ];
        Self { first, last, always: Some(action), code }
    }
}

/// `number` ends in `action` when every condition of any one group holds, else
/// it is allowed. No groups at all: always. Expects the number loaded.
pub(crate) fn rule(number: u32, groups: &[&[When]], action: u32) -> Rule {
    let mut body = Vec::new();
    for group in groups {
        body.extend(conditions(group, action));
    }
    body.push(statement(RETURN, if groups.is_empty() { action } else { ALLOW }));
    // Bodies are short; the distance fits or the tests fail.
    let distance = u8::try_from(body.len()).unwrap_or(u8::MAX);
    let mut code = vec![jump(JUMP_EQUAL, number, 0, distance)];
    code.extend(body);
    code.push(statement(RETURN, ALLOW));
    Rule { first: number, last: number, always: groups.is_empty().then_some(action), code }
}

/// All rules, found by halving: a call is decided in a few steps, and the
/// kernel, which tries every number once when the filter is installed, is done
/// in a fraction of the time that a list takes. It also translates every
/// instruction then, so neighbours that always end alike are one rule.
pub(crate) fn search(mut rules: Vec<Rule>) -> Vec<Instruction> {
    rules.sort_by_key(|rule| rule.first);
    let mut merged: Vec<Rule> = Vec::with_capacity(rules.len());
    for rule in rules {
        match (merged.last_mut(), rule.always) {
            (Some(before), Some(action))
                if before.always == rule.always && before.last + 1 == rule.first =>
            {
                *before = Rule::of_range(before.first, rule.last, action);
            }
            _ => merged.push(rule),
        }
    }
    halve(&merged)
}

fn halve(rules: &[Rule]) -> Vec<Instruction> {
    match rules {
        [] => vec![statement(RETURN, ALLOW)],
        [rule] => rule.code.clone(),
        _ => {
            let (lower, upper) = rules.split_at(rules.len() / 2);
            let (low, high) = (halve(lower), halve(upper));
            let first = upper.first().map_or(0, |rule| rule.first);
            let mut code = match u8::try_from(low.len()) {
                Ok(length) => vec![jump(JUMP_AT_LEAST, first, length, 0)],
                Err(_) => vec![
                    jump(JUMP_AT_LEAST, first, 0, 1),
                    statement(JUMP, u32::try_from(low.len()).unwrap_or(u32::MAX)),
                ],
            };
            code.extend(low);
            code.extend(high);
            code
        }
    }
}

/// All conditions hold: `ret action`; else falls through to the next group.
fn conditions(group: &[When], action: u32) -> Vec<Instruction> {
    let mut code = vec![statement(RETURN, action)];
    for condition in group.iter().rev() {
        // Where to go from the end of this test when it does not hold.
        let past = u8::try_from(code.len()).unwrap_or(u8::MAX);
        let mut test = test(*condition, past);
        test.extend(code);
        code = test;
    }
    code
}

/// Loads an argument and jumps `past` instructions when the condition fails.
fn test(condition: When, past: u8) -> Vec<Instruction> {
    let load = |argument: usize| statement(LOAD, low_half(argument));
    match condition {
        When::AnyBit(argument, bits) => {
            vec![load(argument), jump(JUMP_ANY_BIT, bits, 0, past)]
        }
        When::MaskedEqual(argument, mask, value) => {
            vec![load(argument), statement(AND, mask), jump(JUMP_EQUAL, value, 0, past)]
        }
        When::NotOneOf(argument, values) => {
            let mut code = vec![load(argument)];
            for (index, value) in values.iter().enumerate() {
                let rest = u8::try_from(values.len() - index - 1).unwrap_or(u8::MAX);
                code.push(jump(JUMP_EQUAL, *value, rest.saturating_add(past), 0));
            }
            code
        }
    }
}

/// The low word of an argument on a little-endian machine, which both
/// supported architectures are.
fn low_half(argument: usize) -> u32 {
    OFFSET_ARGUMENTS + 8 * u32::try_from(argument).unwrap_or_default()
}
