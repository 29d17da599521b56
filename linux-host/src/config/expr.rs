//! Expressions: `not quiet and rings < 100`. Text to tokens to a tree to the engine's operations: `lex`, `parse`, `lower`.
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
mod unknown;

use std::ops::Range;

use super::scalar::Decimal;

use lex::{Token, tokens};

pub use lower::{Named, Names, Scope};
pub use unknown::suggestion_of_line;

/// Compiles an expression.
///
/// # Errors
/// Everything that is wrong with it and does not follow from something else.
pub fn compile(text: &str, names: &dyn Names) -> Result<Scope, Vec<ExprError>> {
    let mut errors = Vec::new();
    let tokens = tokens(text, &mut errors);
    let tree = parse::tree(&tokens, text.len());
    let read_to = tree.as_ref().map_or_else(|error| error.span.start, |_| text.len());
    let read = tokens.partition_point(|(_, span)| span.start < read_to);
    let before_call = usize::from(matches!(tokens.get(read), Some((Token::Open, _))));
    errors.extend(lower::unknown(&tokens[..read.saturating_sub(before_call)], names));
    match tree {
        Ok(tree) => {
            let scope = lower::lower(&tree, names, &mut errors);
            if errors.is_empty() { Ok(scope) } else { Err(errors) }
        }
        Err(error) => {
            // What the lexer could not read has been reported as that.
            let unread =
                |(token, span): &(Token, Range<usize>)| *token == Token::Unread && *span == error.span;
            if !tokens.iter().any(unread) {
                errors.push(error);
            }
            Err(errors)
        }
    }
}

/// What is wrong with an expression, and where in its text.
#[derive(Debug, PartialEq, Eq)]
pub struct ExprError {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: String,
    /// It is about a name that nobody knows.
    pub unknown: bool,
}

impl ExprError {
    fn new(span: Range<usize>, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span, what: what.into(), help: help.into(), unknown: false }
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
