//! Expressions: the engine's reader of bytes against the reference's tree.

use campanile_core::program::code::Op;
use campanile_core::scenario::expr::{Operands, Value, eval};
use campanile_core::wire::Reader;
use campanile_sim::oracle::reference::expr::Expr as Tree;
use campanile_sim::oracle::reference::expr::Worth::{self, DividedByZero, Number, Unknown};
use proptest::prelude::*;

use crate::house::{Expr, House};
use crate::tape::{Tape, cases, tapes};

/// What things are worth: by the bytes of their operation, drawn once for each.
struct World(Vec<Option<i32>>);

impl Operands for World {
    fn operand(&self, op: &Op) -> Option<i32> {
        let id = match *op {
            Op::Input { input } => input.index(),
            Op::Output { output } => 3 + output.index(),
            Op::Sensor { sensor } => 6 + sensor.index(),
            Op::Var { var } => 8 + var.index(),
            Op::Hour {} => 11,
            Op::Minute {} => 12,
            Op::Weekday {} => 13,
            Op::TimedOut {} => 14,
            Op::WhileUp { peer } => 15 + peer.index(),
            _ => panic!("{op:?} is no operand"),
        };
        self.0[id]
    }
}

fn worth(expr: &Expr, world: &World) -> Worth {
    tree(expr).worth(&|op| world.operand(op))
}

fn tree(expr: &Expr) -> Tree {
    let boxed = |expr: &Expr| Box::new(tree(expr));
    match expr {
        Expr::Leaf(op) => Tree::Leaf(*op),
        Expr::Unary(op, inner) => Tree::Unary(*op, boxed(inner)),
        Expr::Binary(op, left, right) => Tree::Binary(*op, boxed(left), boxed(right)),
    }
}

fn evaluated(expr: &Expr, world: &World) -> Worth {
    let mut code = Vec::new();
    expr.assemble(&mut code);
    code.push(0xff);
    let mut r = Reader::new(&code);
    let value = match eval(&mut r, world) {
        Value::Known(value) => Number(value),
        Value::Unknown => Unknown,
        Value::DivisionByZero => DividedByZero,
    };
    assert_eq!(r.rest(), [0xff], "the reader stands behind the expression");
    value
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn an_expression_is_worth_what_mathematics_says(tape in tapes(100)) {
        let mut tape = Tape::new(&tape);
        let mut house = House::draw(&mut tape.part(0));
        // Three inputs and outputs, so that there is a choice.
        house.inputs = vec![house.inputs[0]; 3];
        house.outputs = vec![house.outputs[0]; 3];
        let world = World((0..16).map(|_| (!tape.chance(4)).then(|| tape.number())).collect());
        let expr = house.expr(&mut tape, 5);
        prop_assert_eq!(evaluated(&expr, &world), worth(&expr, &world), "{:?} {:?}", expr, world.0);
    }
}

#[test]
fn the_corners_of_i32_and_of_kleene() {
    let world = World(vec![None; 16]);
    let number = |value| Expr::Leaf(Op::Const { value });
    let two = |op, a, b| evaluated(&Expr::Binary(op, Box::new(a), Box::new(b)), &world);
    assert_eq!(two(Op::Div {}, number(i32::MIN), number(-1)), Number(i32::MAX));
    assert_eq!(two(Op::Rem {}, number(i32::MIN), number(-1)), Number(0));
    assert_eq!(two(Op::Rem {}, number(-7), number(2)), Number(-1));
    assert_eq!(two(Op::And {}, Expr::Leaf(Op::Hour {}), number(0)), Number(0));
    assert_eq!(two(Op::Or {}, Expr::Leaf(Op::Hour {}), number(5)), Number(1));
    assert_eq!(two(Op::And {}, Expr::Leaf(Op::Hour {}), number(1)), Unknown);
    let by_zero = || Expr::Binary(Op::Div {}, Box::new(number(1)), Box::new(number(0)));
    assert_eq!(two(Op::And {}, number(0), by_zero()), Number(0));
    assert_eq!(two(Op::And {}, number(1), by_zero()), DividedByZero);
    assert_eq!(two(Op::Add {}, Expr::Leaf(Op::Hour {}), by_zero()), DividedByZero);
}
