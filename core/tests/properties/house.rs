//! Random houses: programs that a compiler could have made, and the assembler for their code.

use campanile_core::calendar::Schedule;
use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::id::{
    InputId, Level, MessageId, OutputId, PeerId, ScenarioId, SensorId, TemplateId, VarId,
};
use campanile_core::program::code::{Op, Step};
use campanile_core::program::{
    AfterRestart, InputDef, Mode, On, OutputDef, Parts, ScenarioDef, SensorDef, TriggerDef, VarDef, image,
};
use campanile_core::time::Duration;
use campanile_core::wire::{Wire, Writer};

use crate::tape::Tape;

/// An expression.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    /// A constant or an operand.
    Leaf(Op),
    Unary(Op, Box<Self>),
    Binary(Op, Box<Self>, Box<Self>),
}

/// An action.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A step with the expressions behind it.
    Plain(Step, Vec<Expr>),
    If(Expr, Vec<Self>, Vec<Self>),
    Repeat(Expr, Vec<Self>),
}

/// A scenario before it is bytes.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) condition: Option<Expr>,
    pub(crate) body: Vec<Act>,
    pub(crate) mode: Mode,
    pub(crate) after_restart: AfterRestart,
    pub(crate) hash: u32,
}

/// The parts of a program, owned.
#[derive(Clone, Debug, Default)]
pub(crate) struct House {
    pub(crate) inputs: Vec<InputDef>,
    pub(crate) outputs: Vec<OutputDef>,
    pub(crate) sensors: Vec<SensorDef>,
    pub(crate) variables: Vec<VarDef>,
    pub(crate) triggers: Vec<TriggerDef>,
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) scenarios: Vec<Plan>,
}

/// Appends the bytes of a step or an operation.
pub(crate) fn put(code: &mut Vec<u8>, item: &impl Wire) {
    let mut buf = [0; 32];
    let mut w = Writer::new(&mut buf);
    item.put(&mut w);
    let len = w.finish().unwrap();
    code.extend_from_slice(&buf[..len]);
}

impl Expr {
    pub(crate) fn assemble(&self, code: &mut Vec<u8>) {
        self.operations(code);
        put(code, &Op::End {});
    }

    fn operations(&self, code: &mut Vec<u8>) {
        match self {
            Self::Leaf(op) => put(code, op),
            Self::Unary(op, inner) => {
                inner.operations(code);
                put(code, op);
            }
            Self::Binary(op, left, right) => {
                left.operations(code);
                right.operations(code);
                put(code, op);
            }
        }
    }
}

/// The bytes of a body; `depth` loops are around it.
pub(crate) fn assemble(acts: &[Act], depth: u8) -> Vec<u8> {
    let mut code = Vec::new();
    for act in acts {
        match act {
            Act::Plain(step, exprs) => {
                put(&mut code, step);
                exprs.iter().for_each(|expr| expr.assemble(&mut code));
            }
            Act::If(expr, then, other) => {
                let (mut then, other) = (assemble(then, depth), assemble(other, depth));
                if !other.is_empty() {
                    put(&mut then, &Step::Else { skip: len(&other) });
                }
                put(&mut code, &Step::If { skip: len(&then) });
                expr.assemble(&mut code);
                code.extend(then);
                code.extend(other);
            }
            Act::Repeat(expr, body) => {
                let body = assemble(body, depth + 1);
                // The step's own length counts and depends on the number in it.
                let mut whole = body.clone();
                let mut back = len(&body);
                loop {
                    put(&mut whole, &Step::Again { slot: depth, back });
                    if len(&whole) == back {
                        break;
                    }
                    back = len(&whole);
                    whole.truncate(body.len());
                }
                put(&mut code, &Step::Repeat { slot: depth, skip: len(&whole) });
                expr.assemble(&mut code);
                code.extend(whole);
            }
        }
    }
    code
}

fn len(code: &[u8]) -> u16 {
    u16::try_from(code.len()).unwrap()
}

impl House {
    /// What the engine loads.
    pub(crate) fn image(&self) -> Vec<u8> {
        let (mut scenarios, mut code) = (Vec::new(), Vec::new());
        for plan in &self.scenarios {
            let mut condition = Vec::new();
            plan.condition.iter().for_each(|expr| expr.assemble(&mut condition));
            let body = assemble(&plan.body, 0);
            scenarios.push(ScenarioDef {
                hash: plan.hash,
                condition: len(&condition),
                body: len(&body),
                mode: plan.mode,
                after_restart: plan.after_restart,
            });
            code.extend(condition);
            code.extend(body);
        }
        let parts = Parts {
            names: 0x00c0_ffee,
            inputs: &self.inputs,
            outputs: &self.outputs,
            sensors: &self.sensors,
            variables: &self.variables,
            triggers: &self.triggers,
            schedules: &self.schedules,
            scenarios: &scenarios,
            code: &code,
        };
        let mut buf = vec![0; 8192];
        let len = image::encode(&parts, &mut buf).unwrap();
        buf.truncate(len);
        buf
    }

    /// A house with at least one of everything that counts.
    pub(crate) fn draw(tape: &mut Tape<'_>) -> Self {
        let mut house = Self {
            inputs: (0..=tape.below(3)).map(|line| input(tape, line)).collect(),
            outputs: (0..=tape.below(3)).map(|line| output(tape, line)).collect(),
            sensors: (0..2).map(|name| SensorDef { name }).collect(),
            variables: (0..3).map(|name| VarDef { name, initial: tape.number() }).collect(),
            schedules: vec![Schedule::at(7, 30, 0, Schedule::ALL_WEEKDAYS)],
            ..Self::default()
        };
        let count = 1 + tape.below(4);
        for number in 0..count {
            let plan = house.plan(tape, number, count);
            house.scenarios.push(plan);
        }
        for number in 0..count + tape.below(4) {
            let on = house.on(tape);
            let scenario = if number < count { number } else { tape.below(count) };
            house.triggers.push(TriggerDef { scenario: ScenarioId(scenario as u8), on });
        }
        house.triggers.sort_by_key(|trigger| trigger.on.key());
        house
    }

    /// The same house after its owner has been at the file: some things are changed, some have moved.
    pub(crate) fn redraw(&self, tape: &mut Tape<'_>) -> Self {
        let mut other = self.clone();
        let count = other.scenarios.len();
        for number in 0..count {
            if tape.chance(6) {
                let hash = 100 + number as u32;
                other.scenarios[number] = Plan { hash, ..self.plan(tape, number, count) };
            }
        }
        if tape.chance(4) {
            other.scenarios.rotate_left(1);
        }
        for line in 0..other.inputs.len() {
            if tape.chance(4) {
                let moved = usize::from(tape.chance(4)) * 10;
                other.inputs[line] = input(tape, line + moved);
            }
        }
        for line in 0..other.outputs.len() {
            if tape.chance(6) {
                let moved = usize::from(tape.chance(4)) * 10;
                other.outputs[line] = output(tape, line + moved);
            }
        }
        if tape.chance(4) {
            other.inputs.rotate_left(1);
            other.outputs.rotate_left(1);
            other.variables.rotate_left(1);
        }
        if tape.chance(4) {
            other.variables[0].name = 10;
        }
        other
    }

    fn plan(&self, tape: &mut Tape<'_>, number: usize, count: usize) -> Plan {
        let mode = match tape.below(6) {
            0 | 1 => Mode::Single,
            2 => Mode::Restart,
            3 | 4 => Mode::Queued(1 + tape.id(3)),
            _ => Mode::Parallel(1 + tape.id(3)),
        };
        Plan {
            condition: tape.chance(5).then(|| self.expr(tape, 2)),
            body: self.acts(tape, count, 0, 3),
            mode,
            after_restart: tape.one(&[
                AfterRestart::Resume,
                AfterRestart::FireIfMissed,
                AfterRestart::Cancel,
                AfterRestart::Resume,
            ]),
            hash: number as u32,
        }
    }

    fn acts(&self, tape: &mut Tape<'_>, scenarios: usize, loops: u8, depth: usize) -> Vec<Act> {
        (0..1 + tape.below(4)).map(|_| self.act(tape, scenarios, loops, depth)).collect()
    }

    fn act(&self, tape: &mut Tape<'_>, scenarios: usize, loops: u8, depth: usize) -> Act {
        let scenario = ScenarioId(tape.id(scenarios));
        match tape.below(if depth == 0 { 12 } else { 16 }) {
            0..=2 => Act::Plain(
                Step::Set {
                    output: OutputId(tape.id(self.outputs.len())),
                    level: Level::from_bool(!tape.chance(6)),
                },
                vec![],
            ),
            3..=5 => Act::Plain(Step::Wait { span: tape.span() }, vec![]),
            6 => {
                let timeout = if tape.chance(4) { None } else { Some(tape.span()) };
                Act::Plain(Step::Until { timeout }, vec![self.expr(tape, 2)])
            }
            7 => {
                let var = VarId(tape.id(self.variables.len()));
                // Often a counter.
                let be = if tape.chance(8) {
                    self.expr(tape, 2)
                } else {
                    Expr::Binary(
                        Op::Add {},
                        Expr::Leaf(Op::Var { var }).into(),
                        Expr::Leaf(Op::Const { value: 1 }).into(),
                    )
                };
                Act::Plain(Step::Let { var }, vec![be])
            }
            8 => {
                let values = tape.id(5);
                let exprs = (0..values).map(|_| self.expr(tape, 1)).collect();
                Act::Plain(Step::Send { template: TemplateId(tape.id(4)), values }, exprs)
            }
            9 | 10 => Act::Plain(Step::Start { scenario }, vec![]),
            11 => Act::Plain(if tape.chance(8) { Step::Stop { scenario } } else { Step::End {} }, vec![]),
            15 if loops < 2 => {
                let mut body = self.acts(tape, scenarios, loops + 1, depth - 1);
                let count = if tape.chance(8) {
                    body.insert(0, Act::Plain(Step::Wait { span: tape.span() }, vec![]));
                    self.expr(tape, 1)
                } else {
                    Expr::Leaf(Op::Const { value: i32::from(tape.id(4)) - 1 })
                };
                Act::Repeat(count, body)
            }
            _ => {
                let then = self.acts(tape, scenarios, loops, depth - 1);
                let other =
                    if tape.chance(8) { self.acts(tape, scenarios, loops, depth - 1) } else { vec![] };
                Act::If(self.expr(tape, 2), then, other)
            }
        }
    }

    /// An expression of so many levels; the stack of eight holds three.
    pub(crate) fn expr(&self, tape: &mut Tape<'_>, levels: usize) -> Expr {
        match if levels == 0 { 0 } else { tape.below(8) } {
            0..=2 => Expr::Leaf(self.operand(tape)),
            3 => {
                let op = tape.one(&[Op::Not {}, Op::Neg {}, Op::WhileUp { peer: PeerId(0) }]);
                Expr::Unary(op, self.expr(tape, levels - 1).into())
            }
            _ => Expr::Binary(
                tape.one(&BINARY),
                self.expr(tape, levels - 1).into(),
                self.expr(tape, levels - 1).into(),
            ),
        }
    }

    fn operand(&self, tape: &mut Tape<'_>) -> Op {
        match tape.below(12) {
            0 | 1 => Op::Const { value: tape.number() },
            2 | 3 => Op::Var { var: VarId(tape.id(self.variables.len())) },
            4 | 5 => Op::Input { input: InputId(tape.id(self.inputs.len())) },
            6 => Op::Output { output: OutputId(tape.id(self.outputs.len())) },
            7 | 8 => Op::Sensor { sensor: SensorId(tape.id(self.sensors.len())) },
            9 => Op::TimedOut {},
            10 => Op::Minute {},
            _ => tape.one(&[Op::Hour {}, Op::Weekday {}]),
        }
    }

    fn on(&self, tape: &mut Tape<'_>) -> On {
        let to = tape.one(&[Some(Level::On), None, Some(Level::Off)]);
        let sensor = SensorId(tape.id(self.sensors.len()));
        let (limit, hysteresis) = (i32::from(tape.id(4)), i32::from(tape.id(3)));
        match tape.below(15) {
            0..=2 => On::Input { input: InputId(tape.id(self.inputs.len())), to, hold: Duration::ZERO },
            3..=5 => On::Input { input: InputId(tape.id(self.inputs.len())), to, hold: tape.span() },
            6 => On::Output { output: OutputId(tape.id(self.outputs.len())), to },
            7 => On::Variable { var: VarId(tape.id(self.variables.len())) },
            8 => On::Above { sensor, limit, hysteresis },
            9 => On::Below { sensor, limit, hysteresis },
            10 => On::Sensor { sensor },
            11 => On::Every { period: tape.span().plus(Duration::from_secs(2)) },
            12 => tape.one(&[On::Schedule { schedule: 0 }, On::Link { peer: PeerId(0), up: true }]),
            13 => On::Message { message: MessageId(tape.id(2)) },
            _ => On::Started,
        }
    }
}

/// All operations of two operands.
pub(crate) const BINARY: [Op; 13] = [
    Op::Add {},
    Op::Sub {},
    Op::Mul {},
    Op::Div {},
    Op::Rem {},
    Op::Eq {},
    Op::Ne {},
    Op::Lt {},
    Op::Le {},
    Op::Gt {},
    Op::Ge {},
    Op::And {},
    Op::Or {},
];

fn input(tape: &mut Tape<'_>, line: usize) -> InputDef {
    let debounce = Debounce {
        press: algorithm(tape),
        release: algorithm(tape),
        max_wait_us: tape.one(&[0, 0, 7_000, 500]),
    };
    InputDef { line: line as u32, debounce, storm: 0 }
}

fn algorithm(tape: &mut Tape<'_>) -> Algorithm {
    let t_us = tape.one(&[1_000, 5_000, 0, 20_000, 300]);
    match tape.below(5) {
        0 => Algorithm::None,
        1 => Algorithm::Defer { t_us },
        2 => Algorithm::Eager { t_us, after_us: 0 },
        3 => Algorithm::Eager { t_us, after_us: tape.one(&[300, 1_000]) },
        _ => Algorithm::Integrate { t_us },
    }
}

fn output(tape: &mut Tape<'_>, line: usize) -> OutputDef {
    OutputDef {
        line: line as u32,
        safe: Level::from_bool(tape.chance(4)),
        max_on: if tape.chance(8) { Duration::ZERO } else { tape.span() },
    }
}
