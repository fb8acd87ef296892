//! System calls as they are written.

use super::super::value::Errno;

/// A system call as it is written; [`Call::operation`] says what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name of the function.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Expression>,
    /// What it returns.
    pub outcome: Outcome,
}

/// An argument of a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `...`: whatever the runner fills in.
    Ellipsis,
    /// `8080`, `-1`, `0x10`
    Integer(i64),
    /// `SOCK_STREAM`
    Name(String),
    /// `"text"`, without the quotes, escapes as written
    Text(String),
    /// `O_RDWR|O_NONBLOCK`, two or more
    Either(Vec<Expression>),
    /// `[1]`
    Array(Vec<Expression>),
    /// `{onoff=1, linger=0}` or `{1, 0}`
    Struct(Vec<Field>),
    /// `htons(8080)`
    Function(String, Vec<Expression>),
}

/// A member of a struct: `linger=0`, `msg_iov(2)=[...]`, or just its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Option<String>,
    /// What stands in parentheses after the name: how many elements there are, or octets.
    pub count: Option<Expression>,
    /// Its value.
    pub value: Expression,
}

/// What a system call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The value.
    pub returned: Returned,
    /// A remark in parentheses after it, such as `(Connection refused)`; it means nothing.
    pub note: Option<String>,
}

/// The value that a system call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// `?`: anything.
    Any,
    /// `3`; after a bare `-1` any error will do.
    Value(i64),
    /// `-1 ECONNREFUSED`
    Error(Errno),
}
