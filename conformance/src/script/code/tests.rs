//! What programs are worth, and which are none.

use proptest::prelude::*;

use super::*;

/// Runs `text` where `tcpi_state` is 1 (ESTABLISHED), `tcpi_snd_cwnd` 10 and `tcpi_rtt` 104,500.
fn outcome(text: &str) -> String {
    let look_up = |name: &str| match name {
        "tcpi_state" => Some(1),
        "tcpi_snd_cwnd" => Some(10),
        "tcpi_rtt" => Some(104_500),
        _ => None,
    };
    match program(text) {
        Err(error) => error.to_string(),
        Ok(program) => match program.run(&look_up) {
            Ok(printed) if printed.is_empty() => "holds".to_owned(),
            Ok(printed) => format!("holds, and prints {}", printed.join(" and ")),
            Err(failure) => failure.to_string(),
        },
    }
}

#[test]
fn true_is_what_python_says() {
    for text in [
        " assert tcpi_state == TCP_ESTABLISHED ",
        "assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd",
        "assert(tcpi_snd_cwnd >= 10)",
        "assert tcpi_snd_cwnd == 10\nassert tcpi_state == 1;assert tcpi_state != 2",
        "assert 100000 <= tcpi_rtt <= 110000",
        "assert abs(tcpi_rtt - 100 * 1000) < 5000, 'rtt is %d' % tcpi_rtt",
        "assert tcpi_rtt / 1000 == 104.5",
        "assert tcpi_rtt // 1000 == 104 and -7 // 2 == -4 and -7 % 3 == 2",
        "cwnd = tcpi_snd_cwnd * 2 # doubled\nassert cwnd == 20",
        "assert tcpi_state in (1, 2) and tcpi_state not in [3, 4] and not tcpi_state == 2",
        "assert (tcpi_state,\n  tcpi_snd_cwnd) == (1, 10)",
        "assert 7 & 3 == 3 and 1 | 2 ^ 2 << 1 == 7 and ~0 == -1 and 0xff >> 4 == 15",
        "assert tcpi_state == 2 or tcpi_snd_cwnd == 10",
        "assert !0 && (tcpi_state == 1 || tcpi_nonsense == 1)",
        "assert min(3, 1, 2) == 1 and max((3, 1)) == 3 and int(7 / 2) == 3 and int(-7 / 2) == -3",
    ] {
        assert_eq!(outcome(text), "holds", "{text}");
    }
    assert_eq!(outcome("print('cwnd', tcpi_snd_cwnd); assert 1"), "holds, and prints ('cwnd', tcpi_snd_cwnd)");
}

#[test]
fn what_does_not_hold_is_told_with_its_values() {
    insta::assert_snapshot!(outcome("assert tcpi_snd_cwnd == 11, 'cwnd'"), @"`tcpi_snd_cwnd == 11` does not hold: tcpi_snd_cwnd is 10");
    insta::assert_snapshot!(outcome("half = tcpi_rtt / 3\nassert half < tcpi_snd_cwnd"), @"`half < tcpi_snd_cwnd` does not hold: half is 104500/3, tcpi_snd_cwnd is 10");
    insta::assert_snapshot!(outcome("assert tcpi_state == TCP_CLOSE"), @"`tcpi_state == TCP_CLOSE` does not hold: tcpi_state is 1");
    insta::assert_snapshot!(outcome("assert 0"), @"`0` does not hold");
    insta::assert_snapshot!(outcome("assert tcpi_lost == 0"), @"this system does not tell tcpi_lost");
    insta::assert_snapshot!(outcome("assert 1 / (tcpi_state - 1)"), @"`1 / (tcpi_state - 1)` has no result: it divides by zero");
    insta::assert_snapshot!(outcome("assert 1 << 200"), @"`1 << 200` has no result: a number is too great");
    insta::assert_snapshot!(outcome("assert 1.5 & 1"), @"`1.5 & 1` has no result: this operator takes integers");
    insta::assert_snapshot!(outcome("assert (1, 2) < 3"), @"`(1, 2) < 3` has no result: several values at once are neither less nor greater");
    insta::assert_snapshot!(outcome("a = (1, 1)\nb = (a, a)"), @"`b = (a, a)` has no result: it calculates with several values at once");
    insta::assert_snapshot!(outcome("assert abs(1, 2)"), @"`abs(1, 2)` has no result: a function gets too few arguments, or too many");
}

#[test]
fn what_is_not_understood_is_named() {
    insta::assert_snapshot!(outcome(" \n# nothing\n"), @"there is nothing in it");
    insta::assert_snapshot!(outcome("import os"), @"`import os` is not an assertion, an assignment or a print that is understood");
    insta::assert_snapshot!(outcome("if tcpi_state: print(1)"), @"`if tcpi_state: print(1)` is not an assertion, an assignment or a print that is understood");
    insta::assert_snapshot!(outcome("assert x == 1; y = 2"), @"`x` is not a name that is known here: tcpi_ fields, the constants of TCP_INFO and what was assigned are");
    insta::assert_snapshot!(outcome("assert sqrt(4) == 2"), @"in `assert sqrt(4) == 2`: expected abs, int, float, min or max before `(`, found `sqrt`");
    insta::assert_snapshot!(outcome("assert (1 == 2, 'always')"), @"in `assert (1 == 2, 'always')`: expected a number or a name, found a text in quotes");
    insta::assert_snapshot!(outcome("assert (1 == 2, 3)"), @"in `assert (1 == 2, 3)`: several values in brackets are always true");
    insta::assert_snapshot!(outcome("assert 1 +"), @"in `assert 1 +`: expected a number or a name, found the end of the statement");
    insta::assert_snapshot!(outcome("assert 1 2"), @"in `assert 1 2`: expected the end of the statement, found `2`");
    insta::assert_snapshot!(outcome("assert (1"), @"in `assert (1`: expected `,` or the closing bracket, found the end of the statement");
    insta::assert_snapshot!(outcome("assert 1e9"), @"in `assert 1e9`: 1e9 is not a number that is understood");
    insta::assert_snapshot!(outcome("assert 'x"), @"in `'x`: a quote is never closed");
    insta::assert_snapshot!(outcome("assert $x"), @"in `$x`: the character '$' has no meaning here");
    insta::assert_snapshot!(outcome(&format!("assert {}1", "-".repeat(99))).split(": ").last().unwrap(), @"it is nested too deeply");
}

proptest! {
    #[test]
    fn arithmetic_is_that_of_integers(a in -1_000_000_i64..1_000_000, b in 1_i64..1000) {
        let text = format!(
            "assert {a} + {b} == {} and {a} - {b} == {} and {a} * {b} == {} and {a} // {b} == {} and {a} % {b} == {} and {a} / {b} * {b} == {a}",
            a + b, a - b, a * b, a.div_euclid(b), a.rem_euclid(b),
        );
        prop_assert_eq!(outcome(&text), "holds");
    }

    #[test]
    fn any_tokens_are_a_program_or_an_error(
        tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..30),
    ) {
        outcome(&tokens.concat());
    }
}

const TOKENS: &[&str] = &[
    "assert ",
    "print ",
    "x = ",
    "x",
    "tcpi_state",
    "tcpi_rtt",
    "1",
    "0",
    "0x",
    ".5",
    "9999999999999999999999999999999999999",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "<<",
    ">>",
    "&",
    "|",
    "^",
    "~",
    "!",
    "==",
    "!=",
    "<",
    ">=",
    " in ",
    " not ",
    " and ",
    " or ",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    "\n",
    "'",
    "\"",
    "\\",
    "#",
    "abs",
    "min",
    " ",
    "é",
];
