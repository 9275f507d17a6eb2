//! Checks that stand before a handler in its route (express-validator): members of the
//! request that are numbers, identifiers or words of a list once the handler has asked
//! for the checks' result.

use super::Engine;
use super::site::Site;
use super::value::{Data, Value};
use crate::ir::{ExprId, Kind, Name};

/// Checks after which a text does no harm.
const NARROW: [&str; 16] = [
    "isInt",
    "toInt",
    "isFloat",
    "toFloat",
    "isNumeric",
    "isDecimal",
    "isBoolean",
    "toBoolean",
    "isUUID",
    "isMongoId",
    "isIn",
    "isAlpha",
    "isAlphanumeric",
    "isHexadecimal",
    "isISO8601",
    "isDate",
];
/// Calls of one check that are followed to its beginning.
const CHAIN_MAX: usize = 20;

impl Engine<'_> {
    /// The request with what the route's checks have narrowed.
    pub(super) fn after_checks(&self, site: &Site, handed: Vec<Value>) -> Vec<Value> {
        let source = self.unit(self.file).source;
        let asks = |what: &[u8]| memchr::memmem::find(source, what).is_some();
        if !self.is_javascript() || !asks(b"express-validator") || !asks(b"validationResult(") {
            return handed;
        }
        let request = self.place("global.Request()");
        let mut checks = Vec::new();
        for given in site.given.iter().filter_map(|given| given.expression) {
            match &self.program().expression(given).kind {
                Kind::List(items) => {
                    checks.extend(items.iter().filter_map(|item| self.narrowed_member(*item)));
                }
                _ => checks.extend(self.narrowed_member(given)),
            }
        }
        let narrowed = |value: Value| {
            if checks.is_empty() || value.data().and_then(|data| data.place) != request {
                return value;
            }
            checks.iter().fold(value, |whole, (part, member)| {
                let members = match whole.field(part) {
                    Some(members) => members.clone(),
                    None => {
                        let of_part = request.and_then(|request| self.models.step(request, part));
                        let read = |part| self.at_place(part, site.start, site.end);
                        of_part.map(read).unwrap_or_default()
                    }
                };
                let known = members.with_field(member, Value::new(Data::default()));
                whole.with_field(part, known)
            })
        };
        handed.into_iter().map(narrowed).collect()
    }

    /// `query('count').isInt()`: the request's part and the member of it.
    fn narrowed_member(&self, check: ExprId) -> Option<(Name, Name)> {
        let (mut at, mut is_narrow) = (check, false);
        for _ in 0..CHAIN_MAX {
            let Kind::Call(call) = &self.program().expression(at).kind else { return None };
            let callee = &self.program().expression(call.callee).kind;
            if let Kind::Field(inner, name) = callee
                && matches!(self.program().expression(*inner).kind, Kind::Call(_))
            {
                is_narrow |= NARROW.contains(&&**name);
                at = *inner;
                continue;
            }
            let begins = match callee {
                Kind::Field(_, name) | Kind::Global(name) => name,
                Kind::Variable(variable) => &self.program().variables[variable.0 as usize],
                _ => return None,
            };
            let part = match &**begins {
                "query" | "body" => begins.clone(),
                "param" => Name::from("params"),
                _ => return None,
            };
            let member = &self.program().expression(call.arguments.first()?.value).kind;
            let Kind::Text(member) = member else { return None };
            return is_narrow.then(|| (part, member.clone()));
        }
        None
    }
}
