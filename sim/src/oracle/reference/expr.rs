//! What an expression is worth: mathematics in numbers that do not run over, then the bounds of i32; and three-valued
//! logic written out.

use campanile_core::program::code::Op;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A constant or an operand.
    Leaf(Op),
    /// Of one value.
    Unary(Op, Box<Self>),
    /// Of two.
    Binary(Op, Box<Self>, Box<Self>),
}

/// What an expression is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Known.
    Number(i32),
    /// It needed something that nobody knows.
    Unknown,
    /// A division by zero reached its end.
    DividedByZero,
}
use Worth::{DividedByZero, Number, Unknown};

impl Worth {
    /// Known, and not 0.
    #[must_use]
    pub fn is_true(self) -> bool {
        matches!(self, Number(value) if value != 0)
    }

    /// The number, if it is one.
    #[must_use]
    pub fn known(self) -> Option<i32> {
        match self {
            Number(value) => Some(value),
            _ => None,
        }
    }
}

impl Expr {
    /// Its worth, where `operand` says what inputs, variables and the like are; `None` for unknown.
    pub fn worth(&self, operand: &impl Fn(&Op) -> Option<i32>) -> Worth {
        match self {
            Self::Leaf(Op::Const { value }) => Number(*value),
            Self::Leaf(op) => operand(op).map_or(Unknown, Number),
            Self::Unary(op, inner) => match (op, inner.worth(operand)) {
                (Op::WhileUp { .. }, value) => operand(op).map_or(Unknown, |_| value),
                (Op::Neg {}, Number(value)) => bounded(-i64::from(value)),
                (Op::Not {}, Number(value)) => truth(value == 0),
                (_, other) => other,
            },
            Self::Binary(op, left, right) => binary(op, left.worth(operand), right.worth(operand)),
        }
    }

    /// Whether it names such a thing.
    pub fn names(&self, what: &impl Fn(&Op) -> bool) -> bool {
        match self {
            Self::Leaf(op) => what(op),
            Self::Unary(op, inner) => what(op) || inner.names(what),
            Self::Binary(_, left, right) => left.names(what) || right.names(what),
        }
    }
}

fn binary(op: &Op, left: Worth, right: Worth) -> Worth {
    let is = |worth, wanted| matches!(worth, Number(value) if (value != 0) == wanted);
    match (op, left, right) {
        // One side is enough, whatever the other is.
        (Op::And {}, a, b) if is(a, false) || is(b, false) => truth(false),
        (Op::And {}, a, b) if is(a, true) && is(b, true) => truth(true),
        (Op::Or {}, a, b) if is(a, true) || is(b, true) => truth(true),
        (Op::Or {}, a, b) if is(a, false) && is(b, false) => truth(false),
        (_, DividedByZero, _) | (_, _, DividedByZero) => DividedByZero,
        (_, Unknown, _) | (_, _, Unknown) => Unknown,
        (_, Number(a), Number(b)) => numbers(op, a.into(), b.into()),
    }
}

fn numbers(op: &Op, a: i64, b: i64) -> Worth {
    match op {
        Op::Add {} => bounded(a + b),
        Op::Sub {} => bounded(a - b),
        Op::Mul {} => bounded(a * b),
        Op::Div {} | Op::Rem {} if b == 0 => DividedByZero,
        Op::Div {} => bounded(a / b),
        Op::Rem {} => bounded(a % b),
        Op::Eq {} => truth(a == b),
        Op::Ne {} => truth(a != b),
        Op::Lt {} => truth(a < b),
        Op::Le {} => truth(a <= b),
        Op::Gt {} => truth(a > b),
        Op::Ge {} => truth(a >= b),
        _ => unreachable!("{op:?} does not work on two values"),
    }
}

fn bounded(value: i64) -> Worth {
    Number(value.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
}

fn truth(value: bool) -> Worth {
    Number(value.into())
}
