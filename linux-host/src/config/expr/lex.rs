//! Text to tokens.

use std::ops::Range;

use super::super::scalar::Decimal;
use super::{Binary, ExprError};

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Number(Decimal),
    Name(String),
    /// All operators but `-`, `and`, `or` and `not`, which are names or have two meanings.
    Operator(Binary),
    Minus,
    Open,
    Close,
    /// What has no place in an expression, as has been reported.
    Unread,
}

/// Splits a text into tokens and where they stand. Goes on behind an error with what was most likely meant.
pub(super) fn tokens(text: &str, errors: &mut Vec<ExprError>) -> Vec<(Token, Range<usize>)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, len) = match first {
            ' ' | '\t' | '\n' | '\r' => {
                at += first.len_utf8();
                continue;
            }
            '0'..='9' => number(rest, at, errors),
            'A'..='Z' | 'a'..='z' | '_' => name(rest, at, errors),
            // What belongs around or in front of names elsewhere, and not here.
            '\'' | '"' | '{' | '}' | '$' | '.' => {
                strange(first, at, &mut tokens, errors);
                at += first.len_utf8();
                continue;
            }
            _ => operator(rest, first, at, errors),
        };
        tokens.push((token, at..at + len));
        at += len;
    }
    tokens
}

fn number(rest: &str, at: usize, errors: &mut Vec<ExprError>) -> (Token, usize) {
    let len = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':')))
        .unwrap_or(rest.len());
    let word = &rest[..len];
    let help = if word.contains(':') {
        "a time of day is compared by its parts: `hour >= 22`, `minute < 30`"
    } else {
        "write digits, with a point if the sensor has decimals; durations belong in `wait` and `timeout`"
    };
    let number = Decimal::parse(&word.replace('_', "")).unwrap_or_else(|| {
        errors.push(ExprError::new(at..at + len, format!("`{word}` is not a number"), help));
        Decimal::whole(1)
    });
    (Token::Number(number), len)
}

/// A name, or a word that means an operator elsewhere.
fn name(rest: &str, at: usize, errors: &mut Vec<ExprError>) -> (Token, usize) {
    let len = name_len(rest);
    let word = &rest[..len];
    let small = word.to_ascii_lowercase();
    let token = match small.as_str() {
        "is" => Token::Operator(Binary::Eq),
        "and" | "or" | "not" if small != word => Token::Name(small.clone()),
        _ => return (Token::Name(word.to_owned()), len),
    };
    let help =
        if small == "is" { "a comparison is `==`" } else { "`and`, `or` and `not` have small letters" };
    errors.push(ExprError::new(at..at + len, format!("`{word}` is not an operator"), help));
    (token, len)
}

/// Takes note of a character that means something in other languages, and goes on as if it were not there.
fn strange(c: char, at: usize, tokens: &mut Vec<(Token, Range<usize>)>, errors: &mut Vec<ExprError>) {
    let help = match c {
        '.' => "a point is used in a number, or between a satellite and its line: `porch.button`",
        '\'' | '"' => "there are no quotes in here: `button == on`",
        _ => "use the plain name: `rings + 1`",
    };
    let what = format!("`{c}` has no place in an expression");
    // What stands in front of a point is no name of the house.
    if c == '.' && matches!(tokens.last(), Some((Token::Name(_), span)) if span.end == at) {
        tokens.pop();
    }
    // Quotes and braces come in pairs.
    if !errors.iter().any(|error| error.help == help) {
        errors.push(ExprError::new(at..at + c.len_utf8(), what, help));
    }
}

/// Letters, digits and `_`, and `-` and `.` where one of these follows.
fn name_len(rest: &str) -> usize {
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let bytes = rest.as_bytes();
    let mut len = 0;
    while let Some(&byte) = bytes.get(len) {
        let joined = matches!(byte, b'-' | b'.') && bytes.get(len + 1).is_some_and(|next| word(*next));
        if !word(byte) && !joined {
            break;
        }
        len += 1;
    }
    len
}

fn operator(rest: &str, first: char, at: usize, errors: &mut Vec<ExprError>) -> (Token, usize) {
    const TWO: [(&str, Binary); 4] =
        [("==", Binary::Eq), ("!=", Binary::Ne), ("<=", Binary::Le), (">=", Binary::Ge)];
    if let Some((_, operator)) = TWO.iter().find(|(text, _)| rest.starts_with(text)) {
        return (Token::Operator(*operator), 2);
    }
    let meant = [
        ("&&", Token::Name("and".to_owned()), "write `and`"),
        ("||", Token::Name("or".to_owned()), "write `or`"),
        ("<>", Token::Operator(Binary::Ne), "write `!=`"),
        ("=", Token::Operator(Binary::Eq), "a comparison is `==`"),
        ("!", Token::Name("not".to_owned()), "write `not`"),
        ("^", Token::Operator(Binary::Mul), "there are + - * / %"),
    ];
    for (text, token, help) in meant {
        if rest.starts_with(text) {
            errors.push(ExprError::new(at..at + text.len(), format!("`{text}` is not an operator"), help));
            return (token, text.len());
        }
    }
    let token = match first {
        '+' => Token::Operator(Binary::Add),
        '-' => Token::Minus,
        '*' => Token::Operator(Binary::Mul),
        '/' => Token::Operator(Binary::Div),
        '%' => Token::Operator(Binary::Rem),
        '<' => Token::Operator(Binary::Lt),
        '>' => Token::Operator(Binary::Gt),
        '(' => Token::Open,
        ')' => Token::Close,
        other => {
            errors.push(ExprError::new(
                at..at + other.len_utf8(),
                format!("{other:?} has no place in an expression"),
                "numbers, names, + - * / %, == != < <= > >=, and or not, ( )",
            ));
            return (Token::Unread, other.len_utf8());
        }
    };
    (token, 1)
}
