//! Go: functions that give nothing where a text is not what they parse: `net.ParseIP(x) == nil`.
//! Where they gave something, the text was one.

use super::Engine;
use super::value::{Constant, Value};
use crate::category::CategorySet;
use crate::ir::{ExprId, Kind};

impl Engine<'_> {
    /// What comparing such a result with `nil` says of the text.
    pub(super) fn parsed_or_nothing(
        &mut self,
        left: ExprId,
        other: &Value,
        when: bool,
    ) -> Option<Value> {
        let is_nothing = other.data()?.constant == Some(Constant::Null);
        let Kind::Call(call) = &self.program().expression(left).kind else { return None };
        let (callee, text) = (call.callee, call.arguments.first()?.value);
        if !is_nothing || self.unit(self.file).language != kode_syntax::Language::Go {
            return None;
        }
        let place = self.evaluate(callee).data().and_then(|data| data.place)?;
        if self.place("net.ParseIP") != Some(place) {
            return None;
        }
        Some(self.fact(text, !when, CategorySet::EVERY))
    }
}
