//! Reading arguments, one by one.

use super::super::ast::{Expression, Field};
use super::Fd;

pub(super) fn descriptor(expression: &Expression) -> Option<Fd> {
    i32::try_from(integer(expression)?).ok().map(Fd)
}

pub(super) fn integer(expression: &Expression) -> Option<i64> {
    match expression {
        Expression::Integer(value) => Some(*value),
        Expression::Ellipsis
        | Expression::Name(_)
        | Expression::Text(_)
        | Expression::Either(_)
        | Expression::Array(_)
        | Expression::Struct(_)
        | Expression::Function(..) => None,
    }
}

/// A length in octets.
pub(super) fn size(expression: &Expression) -> Option<usize> {
    usize::try_from(integer(expression)?).ok()
}

pub(super) fn name(expression: &Expression) -> Option<&str> {
    if let Expression::Name(name) = expression { Some(name) } else { None }
}

pub(super) fn names(expression: &Expression) -> Option<Vec<&str>> {
    match expression {
        Expression::Either(names) => names.iter().map(name).collect(),
        single => Some(vec![name(single)?]),
    }
}

/// Flags by name, or 0 for none.
pub(super) fn flags(expression: &Expression) -> Option<Vec<&str>> {
    if *expression == Expression::Integer(0) { Some(Vec::new()) } else { names(expression) }
}

pub(super) fn is_ellipsis(expression: &Expression) -> bool {
    *expression == Expression::Ellipsis
}

/// The members of a struct, if there are `names.len()` of them and each has that name or none: all or nothing.
pub(super) fn members<'a, const N: usize>(fields: &'a [Field], named: [&[&str]; N]) -> Option<[&'a Expression; N]> {
    let fields: &[Field; N] = fields.try_into().ok()?;
    let all_bare = fields.iter().all(|field| field.name.is_none());
    let is_named = |(field, names): (&Field, &&[&str])| {
        field.count.is_none() && field.name.as_deref().is_some_and(|name| names.contains(&name))
    };
    let as_named = all_bare || fields.iter().zip(&named).all(is_named);
    as_named.then(|| std::array::from_fn(|index| &fields[index].value))
}
