//! Constant folding.

use super::value::{Constant, Value};
use crate::ir::Operator;

/// A known scalar, for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar {
    Text(String),
    Number(i64),
    Boolean(bool),
    Null,
}

impl Scalar {
    pub(super) fn of(value: &Value) -> Option<Self> {
        if let Some(text) = value.known_text() {
            return Some(Self::Text(text.to_owned()));
        }
        Some(match value.data()?.constant? {
            Constant::Number(number) => Self::Number(number),
            Constant::Boolean(truth) => Self::Boolean(truth),
            Constant::Null => Self::Null,
        })
    }
}

/// The field name a constant index stands for.
pub(super) fn key_of(value: &Value) -> Option<String> {
    match Scalar::of(value)? {
        Scalar::Text(text) => Some(text),
        Scalar::Number(number) => Some(number.to_string()),
        Scalar::Boolean(_) | Scalar::Null => None,
    }
}

/// The result of an operator on constants that nothing else sets.
pub(super) fn fold(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    if left.is_loose() || right.is_loose() {
        return None;
    }
    let (a, b) = (Scalar::of(left)?, Scalar::of(right)?);
    let truth = |truth: bool| Some(Value::constant(Constant::Boolean(truth)));
    match operator {
        Operator::Equal => return truth(a == b),
        Operator::NotEqual => return truth(a != b),
        _ => {}
    }
    let (Scalar::Number(a), Scalar::Number(b)) = (a, b) else { return None };
    let number = |number: Option<i64>| Some(Value::constant(Constant::Number(number?)));
    match operator {
        Operator::Add => number(a.checked_add(b)),
        Operator::Subtract => number(a.checked_sub(b)),
        Operator::Multiply => number(a.checked_mul(b)),
        Operator::Divide => number(a.checked_div(b)),
        Operator::Remainder => number(a.checked_rem(b)),
        Operator::Less => truth(a < b),
        Operator::LessEqual => truth(a <= b),
        Operator::Greater => truth(a > b),
        Operator::GreaterEqual => truth(a >= b),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_and_comparison_fold() {
        let number = |number| Value::constant(Constant::Number(number));
        let product = fold(Operator::Multiply, &number(7), &number(18)).unwrap();
        let sum = fold(Operator::Add, &product, &number(106)).unwrap();
        assert_eq!(fold(Operator::Greater, &sum, &number(200)).unwrap().truth(), Some(true));
        assert!(fold(Operator::Divide, &sum, &number(0)).is_none());
        let equal = fold(Operator::Equal, &Value::text("a"), &Value::text("a")).unwrap();
        assert_eq!(equal.truth(), Some(true));
    }
}
