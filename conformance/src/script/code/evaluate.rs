//! Running a program.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::number::Number;
use super::parse::{constant, names_in};
use super::{Comparison, Expression, Failure, Function, Operator, Sign, Statement};

/// What an expression is worth. Tuples hold no tuples: each could name the one before it twice, and grow without bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Number(Number),
    Tuple(Vec<Number>),
}

/// Why it is worth nothing.
enum Trouble {
    Unknown(String),
    Arithmetic(&'static str),
}

impl From<&'static str> for Trouble {
    fn from(why: &'static str) -> Self {
        Self::Arithmetic(why)
    }
}

type Evaluated<T> = Result<T, Trouble>;

pub(super) fn run<'a>(
    statements: &'a [Statement],
    look_up: &dyn Fn(&str) -> Option<i64>,
) -> Result<Vec<&'a str>, Failure> {
    let mut scope = Scope { assigned: BTreeMap::new(), look_up };
    let mut printed = Vec::new();
    for statement in statements {
        match statement {
            Statement::Print(text) => printed.push(text.as_str()),
            Statement::Assign { name, value, text } => {
                let value = scope.value(value).map_err(|trouble| failure(trouble, text))?;
                scope.assigned.insert(name, value);
            }
            Statement::Assert { condition, text } => {
                let holds = scope.truth(condition).map_err(|trouble| failure(trouble, text))?;
                if !holds {
                    return Err(Failure::False { assertion: text.clone(), values: scope.values_in(condition) });
                }
            }
        }
    }
    Ok(printed)
}

fn failure(trouble: Trouble, statement: &str) -> Failure {
    match trouble {
        Trouble::Unknown(name) => Failure::Unknown(name),
        Trouble::Arithmetic(why) => Failure::Arithmetic { statement: statement.to_owned(), why },
    }
}

/// What names mean.
struct Scope<'a> {
    assigned: BTreeMap<&'a str, Value>,
    look_up: &'a dyn Fn(&str) -> Option<i64>,
}

impl Scope<'_> {
    fn value(&self, expression: &Expression) -> Evaluated<Value> {
        Ok(match expression {
            Expression::Number(number) => Value::Number(*number),
            Expression::Name(name) => self.named(name)?,
            Expression::Tuple(items) => Value::Tuple(self.numbers(items)?),
            Expression::Call(function, arguments) => Value::Number(call(*function, &self.arguments(arguments)?)?),
            Expression::Signed(sign, operand) => Value::Number(self.signed(*sign, operand)?),
            Expression::Chain(first, rest) => {
                let mut value = self.number(first)?;
                for (operator, operand) in rest {
                    value = operate(*operator, value, self.number(operand)?)?;
                }
                Value::Number(value)
            }
            Expression::Compare(..) | Expression::All(_) | Expression::Any(_) => {
                Value::Number(Number::truth(self.truth(expression)?))
            }
        })
    }

    fn truth(&self, expression: &Expression) -> Evaluated<bool> {
        match expression {
            Expression::All(items) => all(items, |item| self.truth(item)),
            Expression::Any(items) => Ok(!all(items, |item| Ok(!self.truth(item)?))?),
            Expression::Compare(first, rest) => {
                let mut left = self.value(first)?;
                for (comparison, operand) in rest {
                    let right = self.value(operand)?;
                    if !holds(&left, *comparison, &right)? {
                        return Ok(false);
                    }
                    left = right;
                }
                Ok(true)
            }
            Expression::Number(_)
            | Expression::Name(_)
            | Expression::Tuple(_)
            | Expression::Call(..)
            | Expression::Signed(..)
            | Expression::Chain(..) => Ok(match self.value(expression)? {
                Value::Number(number) => !number.is_zero(),
                Value::Tuple(items) => !items.is_empty(),
            }),
        }
    }

    fn numbers(&self, expressions: &[Expression]) -> Evaluated<Vec<Number>> {
        expressions.iter().map(|expression| self.number(expression)).collect()
    }

    /// Of a function: several, or one tuple of them.
    fn arguments(&self, expressions: &[Expression]) -> Evaluated<Vec<Number>> {
        match expressions {
            [only] => Ok(match self.value(only)? {
                Value::Number(number) => vec![number],
                Value::Tuple(items) => items,
            }),
            several => self.numbers(several),
        }
    }

    fn number(&self, expression: &Expression) -> Evaluated<Number> {
        number(self.value(expression)?)
    }

    fn signed(&self, sign: Sign, operand: &Expression) -> Evaluated<Number> {
        Ok(match sign {
            Sign::Not => Number::truth(!self.truth(operand)?),
            Sign::Plus => self.number(operand)?,
            Sign::Minus => self.number(operand)?.negative()?,
            Sign::Invert => self.number(operand)?.bits(Number::ZERO, |bits, _| !bits)?,
        })
    }

    fn named(&self, name: &str) -> Evaluated<Value> {
        if let Some(value) = self.assigned.get(name) {
            return Ok(value.clone());
        }
        let known = constant(name).or_else(|| (self.look_up)(name));
        known.map(|value| Value::Number(Number::integer(value))).ok_or_else(|| Trouble::Unknown(name.to_owned()))
    }

    /// What the names in an expression mean, but for those that mean the same everywhere.
    fn values_in(&self, expression: &Expression) -> Vec<(String, String)> {
        let mut names = BTreeSet::new();
        names_in(expression, &mut names);
        let told = names.into_iter().filter(|name| constant(name).is_none());
        told.filter_map(|name| Some((name.to_owned(), self.named(name).ok()?.to_string()))).collect()
    }
}

/// Stops at the first that does not hold.
fn all<T>(items: &[T], holds: impl Fn(&T) -> Evaluated<bool>) -> Evaluated<bool> {
    for item in items {
        if !holds(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn number(value: Value) -> Evaluated<Number> {
    match value {
        Value::Number(number) => Ok(number),
        Value::Tuple(_) => Err(Trouble::Arithmetic("it calculates with several values at once")),
    }
}

fn call(function: Function, numbers: &[Number]) -> Evaluated<Number> {
    match (function, numbers) {
        (Function::Absolute, [only]) if only.order(Number::ZERO)? == Ordering::Less => Ok(only.negative()?),
        (Function::Absolute | Function::Float, [only]) => Ok(*only),
        (Function::Integer, [only]) => Ok(only.whole()),
        (Function::Least, [first, rest @ ..]) => extreme(*first, rest, Ordering::Less),
        (Function::Greatest, [first, rest @ ..]) => extreme(*first, rest, Ordering::Greater),
        (Function::Absolute | Function::Float | Function::Integer | Function::Least | Function::Greatest, _) => {
            Err(Trouble::Arithmetic("a function gets too few arguments, or too many"))
        }
    }
}

fn extreme(first: Number, rest: &[Number], wanted: Ordering) -> Evaluated<Number> {
    let mut extreme = first;
    for number in rest {
        if number.order(extreme)? == wanted {
            extreme = *number;
        }
    }
    Ok(extreme)
}

fn operate(operator: Operator, left: Number, right: Number) -> Evaluated<Number> {
    Ok(match operator {
        Operator::Or => left.bits(right, |a, b| a | b)?,
        Operator::ExclusiveOr => left.bits(right, |a, b| a ^ b)?,
        Operator::And => left.bits(right, |a, b| a & b)?,
        Operator::ShiftLeft => left.shift_left(right)?,
        Operator::ShiftRight => left.shift_right(right)?,
        Operator::Plus => left.plus(right)?,
        Operator::Minus => left.minus(right)?,
        Operator::Times => left.times(right)?,
        Operator::Divide => left.over(right)?,
        Operator::FloorDivide => left.over(right)?.floor(),
        Operator::Remainder => left.remainder(right)?,
    })
}

fn holds(left: &Value, comparison: Comparison, right: &Value) -> Evaluated<bool> {
    let order = || match (left, right) {
        (Value::Number(left), Value::Number(right)) => Ok(left.order(*right)?),
        (Value::Tuple(_), _) | (_, Value::Tuple(_)) => {
            Err(Trouble::Arithmetic("several values at once are neither less nor greater"))
        }
    };
    let is_in = || match right {
        Value::Tuple(items) => Ok(matches!(left, Value::Number(number) if items.contains(number))),
        Value::Number(_) => Err(Trouble::Arithmetic("nothing is in a number")),
    };
    Ok(match comparison {
        Comparison::Equal => left == right,
        Comparison::Unequal => left != right,
        Comparison::Less => order()?.is_lt(),
        Comparison::LessOrEqual => order()?.is_le(),
        Comparison::Greater => order()?.is_gt(),
        Comparison::GreaterOrEqual => order()?.is_ge(),
        Comparison::In => is_in()?,
        Comparison::NotIn => !is_in()?,
    })
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Tuple(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "({})", items.join(", "))
            }
        }
    }
}
