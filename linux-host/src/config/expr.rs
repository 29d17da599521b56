//! Expressions: `not quiet and rings < 100`. Text to tree here and in [`parse()`], tree to the engine's operations in
//! `lower`.
//!
//! ```text
//! or:    and ("or" and)*            not:   "not" not | compare
//! and:   not ("and" not)*           compare: sum (("==" | "!=" | "<" | "<=" | ">" | ">=") sum)?
//! sum:   product (("+" | "-") product)*      product: unary (("*" | "/" | "%") unary)*
//! unary: "-" unary | number | name | "(" or ")"
//! ```
//! A name may contain `-`, so that a subtraction of names needs spaces.

mod lex;
mod lower;
mod parse;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::scalar::Decimal;

pub use lower::{Named, Names, Scope, compile};
pub use parse::parse;

/// What is wrong with an expression, and where in its text.
#[derive(Debug, PartialEq, Eq)]
pub struct ExprError {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: String,
}

impl ExprError {
    fn new(span: Range<usize>, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span, what: what.into(), help: help.into() }
    }
}

/// A part of an expression and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub node: ExprNode,
    /// Bytes of the text.
    pub span: Range<usize>,
}

/// What a part of an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprNode {
    /// A number.
    Number(Decimal),
    /// A name, or a word with a meaning of its own.
    Name(String),
    /// `-` and `not`.
    Unary(Unary, Box<Expr>),
    /// Everything with two sides.
    Binary(Binary, Box<Expr>, Box<Expr>),
}

/// Operators with one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `-`
    Neg,
    /// `not`
    Not,
}

/// Operators with two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
}
