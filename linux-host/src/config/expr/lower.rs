//! A tree to the engine's operations: names become ids, constants are folded, decimals find their sensor.
//!
//! The engine calculates with integers; a sensor's value is an integer of its last decimal. A plain number beside a
//! sensor means the sensor's unit: `tank > 41.5` and `tank > 41` are compiled as 415 and 410 for a sensor of one
//! decimal. A variable keeps what was put into it, so that `let peak be tank` and `tank > peak` fit together.

use std::ops::Range;

use campanile_core::id::{InputId, OutputId, PeerId, SensorId, VarId};
use campanile_core::program::code::{MAX_STACK, Op};

use super::super::scalar::Decimal;
use super::lex::Token;
use super::unknown::suggestion_of_line;
use super::{Binary, Expr, ExprError, ExprNode, Unary};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// An input.
    Input(InputId),
    /// An output.
    Output(OutputId),
    /// A sensor.
    Sensor(SensorId, u8),
    /// A variable.
    Variable(VarId),
}

/// Who knows the names of a house.
pub trait Names {
    /// What a name stands for.
    fn find(&self, name: &str) -> Option<Named>;
    /// The satellite whose line a name is: without it nobody knows its level.
    fn satellite(&self, _name: &str) -> Option<PeerId> {
        None
    }
    /// All names.
    fn all(&self) -> Vec<&str>;
    /// Whether these are all: not after an error that left some of them unread.
    fn is_whole(&self) -> bool {
        true
    }
    /// Whether they are those of a satellite, which knows no lines but its own.
    fn is_satellite(&self) -> bool {
        false
    }
}

/// Words that connect values.
const OPERATORS: [&str; 3] = ["and", "or", "not"];

/// Words with a value of their own.
const WORDS: [&str; 8] = ["on", "off", "true", "false", "hour", "minute", "weekday", "timed-out"];

/// What an expression became.
#[derive(Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its operations, the end included.
    pub ops: Vec<Op>,
    /// Its value, if it has always the same.
    pub constant: Option<i32>,
    /// Whether it asks for `timed-out`.
    pub timed_out: bool,
    /// What it names, each once.
    pub names: Vec<Named>,
}

/// Compiles a tree; what it gives after an error is good for nothing.
pub(super) fn lower(expr: &Expr, names: &dyn Names, errors: &mut Vec<ExprError>) -> Scope {
    let mut lowering = Lowering { names, named: Vec::new(), errors };
    let value = lowering.value(expr);
    let value = lowering.settle(value, expr);
    let named = lowering.named;
    let mut ops = Vec::new();
    emit(&value, &mut ops);
    let timed_out = ops.contains(&Op::TimedOut {});
    ops.push(Op::End {});
    if stack(&ops) > MAX_STACK {
        errors.push(ExprError::new(
            expr.span.clone(),
            format!("the expression needs more than {MAX_STACK} intermediate values"),
            "put the deeper part first, or split it over variables with `let`",
        ));
    }
    let constant = if let Tree::Constant(value) = value { Some(value) } else { None };
    Scope { ops, constant, timed_out, names: named }
}

/// All names that nobody knows; none while not all names are known.
pub(super) fn unknown(tokens: &[(Token, Range<usize>)], names: &dyn Names) -> Vec<ExprError> {
    if !names.is_whole() {
        return Vec::new();
    }
    let known = |name: &str| WORDS.contains(&name) || names.find(name).is_some();
    let next = tokens.iter().map(|(token, _)| Some(token)).skip(1).chain([None]);
    tokens
        .iter()
        .zip(next)
        .filter_map(|((token, span), next)| match token {
            // What stands in front of a parenthesis was meant as a function.
            Token::Name(name) if next != Some(&Token::Open) && !OPERATORS.contains(&name.as_str()) => {
                Some((name, span)).filter(|(name, _)| !known(name))
            }
            _ => None,
        })
        .map(|(name, span)| {
            let parts: Vec<_> = name.split('-').collect();
            let part = |part: &&str| known(part) || part.bytes().all(|b| b.is_ascii_digit());
            let help = if parts.len() > 1 && parts.iter().all(part) {
                format!("a subtraction needs spaces: `{}`", parts.join(" - "))
            } else if ["time", "now", "date"].contains(&name.as_str()) {
                "the time is in `hour`, `minute` and `weekday`".to_owned()
            } else {
                suggestion_of_line(name, &[names.all(), WORDS.to_vec()].concat(), names)
            };
            let error = ExprError::new(span.clone(), format!("unknown name `{name}`"), help);
            ExprError { unknown: true, ..error }
        })
        .collect()
}

enum Tree {
    Constant(i32),
    Leaf(Op),
    Unary(Op, Box<Self>),
    Binary(Op, Box<Self>, Box<Self>),
}

/// A value and the unit it is in.
enum Value {
    /// A number that has not found its unit yet.
    Number(Decimal),
    /// Whole numbers.
    Plain(Tree),
    /// Integers of so many decimals.
    Scaled(Tree, u8),
}

impl Value {
    /// What stands in for a part that is wrong: nothing is known of it.
    const STAND_IN: Self = Self::Plain(Tree::Leaf(Op::TimedOut {}));

    const fn decimals(&self) -> Option<u8> {
        match self {
            Self::Scaled(_, decimals) => Some(*decimals),
            _ => None,
        }
    }

    fn of(tree: Tree, decimals: Option<u8>) -> Self {
        match decimals {
            Some(decimals) => Self::Scaled(tree, decimals),
            None => Self::Plain(tree),
        }
    }
}

fn scale(number: Decimal, decimals: u8, span: &Range<usize>) -> Result<i32, ExprError> {
    if decimals == 0 && number.decimals() > 0 {
        return Err(ExprError::new(
            span.clone(),
            format!("{number} has decimals, but the other values are whole numbers"),
            "use decimals only with a sensor that has decimals",
        ));
    }
    number.scaled(decimals).map_err(|wrong| {
        let (what, help) = wrong.into_words();
        ExprError::new(span.clone(), what, help)
    })
}

type Side<'a> = (Value, &'a Expr);

/// A tree on its way to operations.
struct Lowering<'a> {
    names: &'a dyn Names,
    named: Vec<Named>,
    errors: &'a mut Vec<ExprError>,
}

impl Lowering<'_> {
    fn value(&mut self, expr: &Expr) -> Value {
        match &expr.node {
            ExprNode::Number(number) => Value::Number(*number),
            ExprNode::Name(name) => leaf(name, self.names, &mut self.named),
            ExprNode::Unary(Unary::Neg, inner) => match self.value(inner) {
                // What was calculated saturates, as in the engine.
                Value::Number(number) if number == Decimal::whole(i32::MIN) => {
                    Value::Number(Decimal::whole(i32::MAX))
                }
                Value::Number(number) => Value::Number(number.negated()),
                value => {
                    let decimals = value.decimals();
                    Value::of(fold1(Op::Neg {}, self.settle(value, inner)), decimals)
                }
            },
            ExprNode::Unary(Unary::Not, inner) => {
                let value = self.value(inner);
                Value::Plain(fold1(Op::Not {}, self.settle(value, inner)))
            }
            ExprNode::Binary(operator, left, right) => {
                let (a, b) = (self.value(left), self.value(right));
                self.both(*operator, (a, left), (b, right), &expr.span)
            }
        }
    }

    /// A value as it is on its own: a number is a whole one.
    fn settle(&mut self, value: Value, expr: &Expr) -> Tree {
        match value {
            Value::Number(number) => self.scaled(number, 0, &expr.span),
            Value::Plain(tree) | Value::Scaled(tree, _) => tree,
        }
    }

    fn scaled(&mut self, number: Decimal, decimals: u8, span: &Range<usize>) -> Tree {
        scale(number, decimals, span).map_or_else(
            |error| {
                self.errors.push(error);
                Tree::Leaf(Op::TimedOut {})
            },
            Tree::Constant,
        )
    }

    fn both(&mut self, operator: Binary, left: Side<'_>, right: Side<'_>, span: &Range<usize>) -> Value {
        // Two numbers beside each other stay a number: `tank > 2 * 20`.
        let numbers = matches!((&left.0, &right.0), (Value::Number(_), Value::Number(_)));
        let (a, b, decimals) = match operator {
            Binary::And | Binary::Or => (self.settle(left.0, left.1), self.settle(right.0, right.1), None),
            Binary::Mul | Binary::Div => {
                let decimals = match (left.0.decimals(), right.0.decimals(), operator) {
                    (Some(decimals), None, _) | (None, Some(decimals), Binary::Mul) => Some(decimals),
                    _ => None,
                };
                (self.settle(left.0, left.1), self.settle(right.0, right.1), decimals)
            }
            _ => self.same_unit(left, right, span),
        };
        let op = op(operator);
        if matches!(op, Op::Div {} | Op::Rem {}) && matches!(b, Tree::Constant(0)) {
            let help = "it would end the run with a fault";
            self.errors.push(ExprError::new(span.clone(), "a division by zero", help));
            return Value::STAND_IN;
        }
        let compares =
            !matches!(operator, Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem);
        match fold2(op, a, b) {
            Tree::Constant(value) if numbers && !compares => Value::Number(Decimal::whole(value)),
            tree => Value::of(tree, if compares { None } else { decimals }),
        }
    }

    /// Both sides in one unit, for sums and comparisons.
    fn same_unit(
        &mut self,
        left: Side<'_>,
        right: Side<'_>,
        span: &Range<usize>,
    ) -> (Tree, Tree, Option<u8>) {
        match (left, right) {
            ((Value::Number(number), at), (Value::Scaled(b, decimals), _)) => {
                (self.scaled(number, decimals, &at.span), b, Some(decimals))
            }
            ((Value::Scaled(a, decimals), _), (Value::Number(number), at)) => {
                (a, self.scaled(number, decimals, &at.span), Some(decimals))
            }
            (left, right) => {
                if let (Some(a), Some(b)) = (left.0.decimals(), right.0.decimals())
                    && a != b
                {
                    let what = format!("one side has {a} decimals, the other {b}");
                    let help = "give both sensors the same `decimals`";
                    self.errors.push(ExprError::new(span.clone(), what, help));
                }
                let decimals = left.0.decimals().or_else(|| right.0.decimals());
                (self.settle(left.0, left.1), self.settle(right.0, right.1), decimals)
            }
        }
    }
}

fn leaf(name: &str, names: &dyn Names, named: &mut Vec<Named>) -> Value {
    let found = names.find(name);
    if let Some(found) = found.filter(|found| !named.contains(found)) {
        named.push(found);
    }
    let level = |op| match names.satellite(name) {
        Some(peer) => Value::Plain(Tree::Unary(Op::WhileUp { peer }, Box::new(Tree::Leaf(op)))),
        None => Value::Plain(Tree::Leaf(op)),
    };
    match found {
        Some(Named::Input(input)) => level(Op::Input { input }),
        Some(Named::Output(output)) => level(Op::Output { output }),
        Some(Named::Sensor(sensor, 0)) => Value::Plain(Tree::Leaf(Op::Sensor { sensor })),
        Some(Named::Sensor(sensor, decimals)) => Value::Scaled(Tree::Leaf(Op::Sensor { sensor }), decimals),
        Some(Named::Variable(var)) => Value::Plain(Tree::Leaf(Op::Var { var })),
        None => Value::Plain(match name {
            "hour" => Tree::Leaf(Op::Hour {}),
            "minute" => Tree::Leaf(Op::Minute {}),
            "weekday" => Tree::Leaf(Op::Weekday {}),
            "timed-out" => Tree::Leaf(Op::TimedOut {}),
            "on" | "true" => Tree::Constant(1),
            "off" | "false" => Tree::Constant(0),
            // An unknown name was reported before.
            _ => return Value::STAND_IN,
        }),
    }
}

const fn op(operator: Binary) -> Op {
    match operator {
        Binary::Add => Op::Add {},
        Binary::Sub => Op::Sub {},
        Binary::Mul => Op::Mul {},
        Binary::Div => Op::Div {},
        Binary::Rem => Op::Rem {},
        Binary::Eq => Op::Eq {},
        Binary::Ne => Op::Ne {},
        Binary::Lt => Op::Lt {},
        Binary::Le => Op::Le {},
        Binary::Gt => Op::Gt {},
        Binary::Ge => Op::Ge {},
        Binary::And => Op::And {},
        Binary::Or => Op::Or {},
    }
}

/// Constants are folded by the engine's own rules: saturating, truncating, truth is "not 0".
fn fold1(op: Op, inner: Tree) -> Tree {
    match (op, inner) {
        (Op::Neg {}, Tree::Constant(value)) => Tree::Constant(value.saturating_neg()),
        (Op::Not {}, Tree::Constant(value)) => Tree::Constant(i32::from(value == 0)),
        (op, inner) => Tree::Unary(op, Box::new(inner)),
    }
}

fn fold2(op: Op, a: Tree, b: Tree) -> Tree {
    let (Tree::Constant(x), Tree::Constant(y)) = (&a, &b) else {
        return Tree::Binary(op, Box::new(a), Box::new(b));
    };
    let (x, y) = (*x, *y);
    Tree::Constant(match op {
        Op::Add {} => x.saturating_add(y),
        Op::Sub {} => x.saturating_sub(y),
        Op::Mul {} => x.saturating_mul(y),
        // Division by a constant zero was refused before.
        Op::Div {} => x.saturating_div(if y == 0 { 1 } else { y }),
        Op::Rem {} => x.checked_rem(y).unwrap_or(0),
        Op::Eq {} => i32::from(x == y),
        Op::Ne {} => i32::from(x != y),
        Op::Lt {} => i32::from(x < y),
        Op::Le {} => i32::from(x <= y),
        Op::Gt {} => i32::from(x > y),
        Op::Ge {} => i32::from(x >= y),
        Op::And {} => i32::from(x != 0 && y != 0),
        Op::Or {} => i32::from(x != 0 || y != 0),
        _ => return Tree::Binary(op, Box::new(a), Box::new(b)),
    })
}

fn emit(tree: &Tree, ops: &mut Vec<Op>) {
    match tree {
        Tree::Constant(value) => ops.push(Op::Const { value: *value }),
        Tree::Leaf(op) => ops.push(*op),
        Tree::Unary(op, inner) => {
            emit(inner, ops);
            ops.push(*op);
        }
        Tree::Binary(op, a, b) => {
            emit(a, ops);
            emit(b, ops);
            ops.push(*op);
        }
    }
}

/// The most values on the stack at once.
fn stack(ops: &[Op]) -> usize {
    let (mut now, mut most) = (0usize, 0);
    for op in ops {
        let (takes, gives) = op.arity();
        now = now.saturating_sub(takes) + gives;
        most = most.max(now);
    }
    most
}
