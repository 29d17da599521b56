//! Tokens to a tree, by recursive descent.

use std::ops::Range;

use super::lex::Token;
use super::{Binary, Expr, ExprError, ExprNode, Unary};

/// Parentheses and signs nest no deeper: beyond what anyone writes, and the parser's stack stays small.
const DEEPEST: usize = 64;
/// Terms in a row, which lean to the left: the tree is walked by recursion.
const LONGEST: usize = 1_000;

/// The tree of the tokens of a text of so many bytes, or the first thing that is wrong with it.
pub(super) fn tree(tokens: &[(Token, Range<usize>)], end: usize) -> Result<Expr, ExprError> {
    if tokens.len() > LONGEST {
        return Err(ExprError::new(
            0..end,
            format!("the expression has {} words", tokens.len()),
            format!("up to {LONGEST}; split it over variables with `let`"),
        ));
    }
    let mut parser = Parser { tokens, at: 0, depth: 0, end };
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => {
            let help = match token {
                Token::Close => "there is no matching (",
                Token::Operator(
                    Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge,
                ) => "compare twice: `1 < x and x < 5`",
                Token::Open => {
                    "there are no functions: use plain names; hour, minute and weekday give the time"
                }
                _ => "an operator goes between two values: + - * / %, == != < <= > >=, and or",
            };
            Err(ExprError::new(parser.span(), "the expression should end here", help))
        }
    }
}

struct Parser<'a> {
    tokens: &'a [(Token, Range<usize>)],
    at: usize,
    depth: usize,
    end: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    /// Where the next token stands; the end of the text behind the last.
    fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |(_, span)| span.clone())
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Name(name)) if name == word);
        self.at += usize::from(is);
        is
    }

    fn or(&mut self) -> Result<Expr, ExprError> {
        let mut left = self.and()?;
        while self.take_word("or") {
            left = binary(Binary::Or, left, self.and()?);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, ExprError> {
        let mut left = self.not()?;
        while self.take_word("and") {
            left = binary(Binary::And, left, self.not()?);
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, ExprError> {
        let start = self.span().start;
        if self.take_word("not") {
            let inner = self.deeper(Self::not)?;
            return Ok(unary(Unary::Not, start, inner));
        }
        let left = self.sum()?;
        let Some(Token::Operator(
            operator @ (Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge),
        )) = self.peek()
        else {
            return Ok(left);
        };
        self.at += 1;
        Ok(binary(*operator, left, self.sum()?))
    }

    fn sum(&mut self) -> Result<Expr, ExprError> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Some(Token::Operator(Binary::Add)) => Binary::Add,
                Some(Token::Minus) => Binary::Sub,
                _ => return Ok(left),
            };
            self.at += 1;
            left = binary(operator, left, self.product()?);
        }
    }

    fn product(&mut self) -> Result<Expr, ExprError> {
        let mut left = self.sign()?;
        while let Some(Token::Operator(operator @ (Binary::Mul | Binary::Div | Binary::Rem))) = self.peek() {
            self.at += 1;
            left = binary(*operator, left, self.sign()?);
        }
        Ok(left)
    }

    fn sign(&mut self) -> Result<Expr, ExprError> {
        let span = self.span();
        let token = self.peek();
        self.at += 1;
        match token {
            Some(Token::Minus) => {
                let inner = self.deeper(Self::sign)?;
                Ok(unary(Unary::Neg, span.start, inner))
            }
            Some(Token::Number(number)) => Ok(Expr { node: ExprNode::Number(*number), span }),
            Some(Token::Name(name)) if !matches!(name.as_str(), "and" | "or" | "not") => {
                Ok(Expr { node: ExprNode::Name(name.clone()), span })
            }
            Some(Token::Open) => {
                let inner = self.deeper(Self::or)?;
                if self.peek() != Some(&Token::Close) {
                    return Err(ExprError::new(self.span(), "a ) is missing", "add the matching )"));
                }
                let end = self.span().end;
                self.at += 1;
                Ok(Expr { span: span.start..end, ..inner })
            }
            Some(Token::Name(name)) if name == "not" => Err(ExprError::new(
                span,
                "`not` cannot be used here",
                "put it in parentheses: `x == (not y)`",
            )),
            _ => Err(ExprError::new(span, "a value is missing here", "a number, a name, or ( .. )")),
        }
    }

    fn deeper(&mut self, inner: fn(&mut Self) -> Result<Expr, ExprError>) -> Result<Expr, ExprError> {
        if self.depth >= DEEPEST {
            return Err(ExprError::new(
                self.span(),
                format!("more than {DEEPEST} nested parentheses or signs"),
                "split it over variables with `let`",
            ));
        }
        self.depth += 1;
        let expr = inner(self);
        self.depth -= 1;
        expr
    }
}

fn binary(operator: Binary, left: Expr, right: Expr) -> Expr {
    let span = left.span.start..right.span.end;
    Expr { node: ExprNode::Binary(operator, Box::new(left), Box::new(right)), span }
}

fn unary(operator: Unary, start: usize, inner: Expr) -> Expr {
    let span = start..inner.span.end;
    Expr { node: ExprNode::Unary(operator, Box::new(inner)), span }
}
