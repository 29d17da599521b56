//! Expressions: i32 that saturate, values that may be unknown, and a fault that only counts if its value does.
//!
//! `and` and `or` are Kleene's: false and unknown is false. A division by zero travels like an unknown value, so
//! `tank > 0 and 100 / tank > 3` is false at 0; it is a fault only where it reaches the end of the expression.

use crate::program::code::{MAX_STACK, Op};
use crate::wire::{Reader, Wire};

/// What an expression, or a part of it, is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number. Truth is "not 0".
    Known(i32),
    /// It hangs on something that nobody knows: a sensor before its first reading, the hour without a clock.
    Unknown,
    /// It hangs on a division by zero.
    DivisionByZero,
}

impl Value {
    /// For operands that may be unknown.
    pub fn of(known: Option<i32>) -> Self {
        known.map_or(Self::Unknown, Self::Known)
    }

    /// Whether it is known to be true.
    pub const fn is_true(self) -> bool {
        matches!(self, Self::Known(value) if value != 0)
    }

    /// The number, if it is one.
    pub const fn known(self) -> Option<i32> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    const fn is_false(self) -> bool {
        matches!(self, Self::Known(0))
    }

    fn truth(truth: bool) -> Self {
        Self::Known(i32::from(truth))
    }
}

/// What an expression reads: operands by their operation.
pub trait Operands {
    /// The value of an operand: `Input` to `TimedOut` of [`Op`]; of `WhileUp`, any number if the peer is there.
    fn operand(&self, op: &Op) -> Option<i32>;
}

/// Evaluates the expression at the front of `r` and leaves `r` behind its end. Code that was verified has no other
/// outcome; any other code gives `Unknown`.
pub fn eval(r: &mut Reader<'_>, operands: &impl Operands) -> Value {
    let mut stack: heapless::Vec<Value, MAX_STACK> = heapless::Vec::new();
    loop {
        let op = Op::read(r);
        if r.failed() {
            return Value::Unknown;
        }
        let value = match op {
            Op::End {} => return stack.pop().unwrap_or(Value::Unknown),
            Op::Const { value } => Value::Known(value),
            Op::WhileUp { .. } => {
                let value = stack.pop().unwrap_or(Value::Unknown);
                operands.operand(&op).map_or(Value::Unknown, |_| value)
            }
            Op::Neg {} | Op::Not {} => unary(&op, stack.pop().unwrap_or(Value::Unknown)),
            _ if matches!(op.arity(), (2, 1)) => {
                let right = stack.pop().unwrap_or(Value::Unknown);
                let left = stack.pop().unwrap_or(Value::Unknown);
                binary(&op, left, right)
            }
            _ => Value::of(operands.operand(&op)),
        };
        if stack.push(value).is_err() {
            return Value::Unknown;
        }
    }
}

fn unary(op: &Op, value: Value) -> Value {
    match (op, value) {
        (Op::Neg {}, Value::Known(value)) => Value::Known(value.saturating_neg()),
        (_, Value::Known(value)) => Value::truth(value == 0),
        (_, other) => other,
    }
}

fn binary(op: &Op, left: Value, right: Value) -> Value {
    match op {
        Op::And {} if left.is_false() || right.is_false() => return Value::Known(0),
        Op::Or {} if left.is_true() || right.is_true() => return Value::Known(1),
        _ => {}
    }
    let (a, b) = match (left, right) {
        (Value::Known(a), Value::Known(b)) => (a, b),
        (Value::DivisionByZero, _) | (_, Value::DivisionByZero) => return Value::DivisionByZero,
        _ => return Value::Unknown,
    };
    match op {
        Op::Add {} => Value::Known(a.saturating_add(b)),
        Op::Sub {} => Value::Known(a.saturating_sub(b)),
        Op::Mul {} => Value::Known(a.saturating_mul(b)),
        Op::Div {} | Op::Rem {} if b == 0 => Value::DivisionByZero,
        Op::Div {} => Value::Known(a.checked_div(b).unwrap_or(i32::MAX)),
        // MIN % -1 is 0, which is all that `checked_rem` cannot say.
        Op::Rem {} => Value::Known(a.checked_rem(b).unwrap_or(0)),
        Op::Eq {} => Value::truth(a == b),
        Op::Ne {} => Value::truth(a != b),
        Op::Lt {} => Value::truth(a < b),
        Op::Le {} => Value::truth(a <= b),
        Op::Gt {} => Value::truth(a > b),
        Op::Ge {} => Value::truth(a >= b),
        Op::And {} => Value::truth(a != 0 && b != 0),
        _ => Value::truth(a != 0 || b != 0),
    }
}

/// Whether the expression at the front of `r` names one of these; used to know when to look at a condition again.
pub(crate) fn names(r: &mut Reader<'_>, wanted: &[Op]) -> bool {
    let mut found = false;
    loop {
        // What is no operation reads as the end.
        let op = Op::read(r);
        if matches!(op, Op::End {}) {
            return found;
        }
        found |= wanted.contains(&op);
    }
}
