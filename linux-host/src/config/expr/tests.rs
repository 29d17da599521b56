//! The compiler of expressions against a slow reference that works on the tree alone, with 128 bits, and looks at no
//! operation of the engine.

use campanile_core::id::{InputId, OutputId, PeerId, SensorId, VarId};
use campanile_core::program::code::Op;
use proptest::prelude::*;

use super::*;

/// A house of some names.
struct House;

impl Names for House {
    fn find(&self, name: &str) -> Option<Named> {
        match name {
            "button" => Some(Named::Input(InputId(0))),
            "chime" => Some(Named::Output(OutputId(0))),
            "tank" => Some(Named::Sensor(SensorId(0), 1)),
            "rings" => Some(Named::Variable(VarId(0))),
            "front-door" => Some(Named::Variable(VarId(1))),
            "x2" => Some(Named::Variable(VarId(2))),
            "porch.front-door" => Some(Named::Input(InputId(1))),
            "porch.lamp" => Some(Named::Output(OutputId(1))),
            _ => None,
        }
    }

    fn satellite(&self, name: &str) -> Option<PeerId> {
        name.starts_with("porch.").then_some(PeerId(3))
    }

    fn all(&self) -> Vec<&str> {
        vec!["button", "chime", "front-door", "porch.front-door", "porch.lamp", "rings", "tank", "x2"]
    }
}

/// The tree of a text; all that is wrong with one that has none.
fn parse(text: &str) -> Result<Expr, Vec<ExprError>> {
    let mut errors = Vec::new();
    let tokens = tokens(text, &mut errors);
    let tree = parse::tree(&tokens, text.len()).map_err(|error| errors.push(error));
    tree.ok().filter(|_| errors.is_empty()).ok_or(errors)
}

fn ops(text: &str) -> Vec<Op> {
    compile(text, &House).unwrap().ops
}

fn constant(text: &str) -> Option<i32> {
    compile(text, &House).unwrap().constant
}

const RINGS: Op = Op::Var { var: VarId(0) };
const TANK: Op = Op::Sensor { sensor: SensorId(0) };
const BUTTON: Op = Op::Input { input: InputId(0) };

fn number(value: i32) -> Op {
    Op::Const { value }
}

#[test]
fn precedence_is_the_usual_one() {
    let same = [
        ("rings + 2 * x2", "rings + (2 * x2)"),
        ("rings - 2 - 3", "(rings - 2) - 3"),
        ("rings / 2 * 3", "(rings / 2) * 3"),
        ("-rings * 2", "(-rings) * 2"),
        ("not rings == 2", "not (rings == 2)"),
        ("rings or x2 and button", "rings or (x2 and button)"),
        ("not rings and x2", "(not rings) and x2"),
        ("rings + 1 < x2 - 1", "(rings + 1) < (x2 - 1)"),
        ("- - rings", "-(-rings)"),
        ("not not rings", "not (not rings)"),
    ];
    for (short, long) in same {
        assert_eq!(ops(short), ops(long), "{short}");
    }
}

#[test]
fn names_with_a_hyphen_are_one_name() {
    assert_eq!(ops("front-door"), [Op::Var { var: VarId(1) }, Op::End {}]);
    assert_eq!(ops("rings -1"), ops("rings - 1"));
    assert_eq!(ops("timed-out"), [Op::TimedOut {}, Op::End {}]);
}

#[test]
fn what_a_satellite_knows_is_known_while_it_is_there() {
    let there = Op::WhileUp { peer: PeerId(3) };
    let (door, lamp) = (Op::Input { input: InputId(1) }, Op::Output { output: OutputId(1) });
    assert_eq!(ops("porch.front-door"), [door, there, Op::End {}]);
    assert_eq!(ops("not porch.lamp or button"), [lamp, there, Op::Not {}, BUTTON, Op::Or {}, Op::End {}],);
    let of = |text| compile(text, &House).unwrap_err().remove(0);
    assert_eq!(
        of("input.button").help,
        "use the plain name: `button`, not `input.button`, which would be a line of [satellites.input]"
    );
    assert_eq!(of("porch.lmap").help, "did you mean `porch.lamp`?");
    assert!(of("button .rings").what.contains("`.` has no place"));
}

#[test]
fn numbers_beside_a_sensor_are_in_its_unit() {
    assert_eq!(ops("tank > 41.5"), [TANK, number(415), Op::Gt {}, Op::End {}]);
    assert_eq!(ops("41 <= tank"), [number(410), TANK, Op::Le {}, Op::End {}]);
    assert_eq!(ops("tank + 1 > 2 * 20"), [TANK, number(10), Op::Add {}, number(400), Op::Gt {}, Op::End {}]);
    assert_eq!(ops("tank * 2 > 1"), [TANK, number(2), Op::Mul {}, number(10), Op::Gt {}, Op::End {}]);
    assert_eq!(ops("tank > rings"), [TANK, RINGS, Op::Gt {}, Op::End {}]);
    assert_eq!(ops("-1.5 < tank"), [number(-15), TANK, Op::Lt {}, Op::End {}]);
}

#[test]
fn levels_are_one_and_zero() {
    assert_eq!(ops("button == on"), [BUTTON, number(1), Op::Eq {}, Op::End {}]);
    assert_eq!((constant("on"), constant("off"), constant("true")), (Some(1), Some(0), Some(1)));
}

#[test]
fn constants_are_folded_as_the_engine_calculates() {
    for (text, value) in [
        ("2147483647 + 1", i32::MAX),
        ("-2147483648", i32::MIN),
        ("-2147483648 - 1", i32::MIN),
        ("0 - -2147483648", i32::MAX),
        ("-2147483648 / -1", i32::MAX),
        ("-(-2147483648)", i32::MAX),
        ("-(-2 * 1073741824)", i32::MAX),
        ("-2147483648 % -1", 0),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("not 5", 0),
        ("3 and 4", 1),
        ("0 or 0", 0),
        ("1 < 2", 1),
    ] {
        // A literal beyond 32 bits exists only below a sign.
        assert_eq!(constant(text), Some(value), "{text}");
    }
}

/// What an expression is worth: `None` for a division by zero, and for what the reference does not model.
fn reference(expr: &Expr, rings: i128) -> Option<i128> {
    let clamp = |value: i128| value.clamp(i32::MIN.into(), i32::MAX.into());
    Some(match &expr.node {
        ExprNode::Number(number) => number.to_string().parse().ok()?,
        ExprNode::Name(_) => rings,
        ExprNode::Unary(Unary::Neg, inner) => clamp(-reference(inner, rings)?),
        ExprNode::Unary(Unary::Not, inner) => i128::from(reference(inner, rings)? == 0),
        ExprNode::Binary(operator, left, right) => {
            let (a, b) = (reference(left, rings)?, reference(right, rings)?);
            match operator {
                Binary::Add => clamp(a + b),
                Binary::Sub => clamp(a - b),
                Binary::Mul => clamp(a * b),
                Binary::Div => clamp(a.checked_div(b)?),
                Binary::Rem => a.checked_rem(b)?,
                Binary::Eq => i128::from(a == b),
                Binary::Ne => i128::from(a != b),
                Binary::Lt => i128::from(a < b),
                Binary::Le => i128::from(a <= b),
                Binary::Gt => i128::from(a > b),
                Binary::Ge => i128::from(a >= b),
                Binary::And => i128::from(a != 0 && b != 0),
                Binary::Or => i128::from(a != 0 || b != 0),
            }
        }
    })
}

/// Runs operations on a stack, as the engine does, on numbers that are all known.
fn run(ops: &[Op], rings: i32) -> Option<i32> {
    let mut stack: Vec<i32> = Vec::new();
    for op in ops {
        let value = match op {
            Op::End {} => return stack.pop().filter(|_| stack.is_empty()),
            Op::Const { value } => *value,
            Op::Var { .. } => rings,
            Op::Neg {} => stack.pop()?.saturating_neg(),
            Op::Not {} => i32::from(stack.pop()? == 0),
            two => {
                let (b, a) = (stack.pop()?, stack.pop()?);
                match two {
                    Op::Add {} => a.saturating_add(b),
                    Op::Sub {} => a.saturating_sub(b),
                    Op::Mul {} => a.saturating_mul(b),
                    Op::Div {} if b == 0 => return None,
                    Op::Div {} => a.saturating_div(b),
                    Op::Rem {} => a.checked_rem(b).or_else(|| (b == -1).then_some(0))?,
                    Op::Eq {} => i32::from(a == b),
                    Op::Ne {} => i32::from(a != b),
                    Op::Lt {} => i32::from(a < b),
                    Op::Le {} => i32::from(a <= b),
                    Op::Gt {} => i32::from(a > b),
                    Op::Ge {} => i32::from(a >= b),
                    Op::And {} => i32::from(a != 0 && b != 0),
                    Op::Or {} => i32::from(a != 0 || b != 0),
                    other => unreachable!("{other:?}"),
                }
            }
        };
        stack.push(value);
    }
    None
}

/// Text of any expression over `rings`, with superfluous parentheses and spaces.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("rings".to_owned()),
        Just("on".to_owned()),
        (0i32..10).prop_map(|n| n.to_string()),
        any::<i32>().prop_map(|n| n.unsigned_abs().min(i32::MAX.unsigned_abs()).to_string()),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or",
        ]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.clone().prop_map(|a| format!("(not ({a}))")),
            inner.prop_map(|a| format!("( {a} )")),
        ]
    })
}

/// The reference reads `on` as the tree has it: a name.
fn without_words(expr: Expr) -> Expr {
    let node = match expr.node {
        ExprNode::Name(name) if name == "on" => ExprNode::Number(Decimal::whole(1)),
        ExprNode::Unary(op, inner) => ExprNode::Unary(op, Box::new(without_words(*inner))),
        ExprNode::Binary(op, a, b) => {
            ExprNode::Binary(op, Box::new(without_words(*a)), Box::new(without_words(*b)))
        }
        node => node,
    };
    Expr { node, ..expr }
}

proptest! {
    #[test]
    fn what_is_compiled_means_what_the_tree_means(text in expression(), rings in any::<i32>()) {
        let tree = without_words(parse(&text).unwrap());
        match compile(&text, &House) {
            Ok(scope) => {
                let expected = reference(&tree, rings.into()).and_then(|value| i32::try_from(value).ok());
                prop_assert_eq!(run(&scope.ops, rings), expected, "{}", text);
                if let Some(value) = scope.constant {
                    prop_assert_eq!(expected, Some(value), "{}", text);
                }
            }
            // Too deep for the stack, or a division by a constant zero: both are errors of the file.
            Err(errors) => {
                let words = &errors[0].what;
                prop_assert!(words.contains("kept in mind") || words.contains("division by zero"), "{}: {}", text, words);
            }
        }
    }

    #[test]
    fn a_tree_written_out_reads_as_itself(text in expression()) {
        fn written(expr: &Expr) -> String {
            match &expr.node {
                ExprNode::Number(number) => number.to_string(),
                ExprNode::Name(name) => name.clone(),
                ExprNode::Unary(Unary::Neg, inner) => format!("(-{})", written(inner)),
                ExprNode::Unary(Unary::Not, inner) => format!("(not {})", written(inner)),
                ExprNode::Binary(op, a, b) => {
                    let word = match op {
                        Binary::Add => "+", Binary::Sub => "-", Binary::Mul => "*", Binary::Div => "/",
                        Binary::Rem => "%", Binary::Eq => "==", Binary::Ne => "!=", Binary::Lt => "<",
                        Binary::Le => "<=", Binary::Gt => ">", Binary::Ge => ">=", Binary::And => "and",
                        Binary::Or => "or",
                    };
                    format!("({} {word} {})", written(a), written(b))
                }
            }
        }
        let once = written(&parse(&text).unwrap());
        prop_assert_eq!(&written(&parse(&once).unwrap()), &once);
    }

    #[test]
    fn no_text_is_a_reason_to_panic(text in "[ -~äß]{0,60}") {
        let _ = compile(&text, &House);
    }
}

#[test]
fn long_and_deep_texts_are_refused_in_words() {
    let deep = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let wrong = |text: &str| parse(text).unwrap_err().remove(0).what;
    assert!(wrong(&deep).contains("words"));
    let deep = format!("{}1{}", "(".repeat(200), ")".repeat(200));
    assert!(wrong(&deep).contains("more than 64"));
    assert!(wrong(&"not ".repeat(500)).contains("more than 64"));
}
