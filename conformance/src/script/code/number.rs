//! Exact numbers: `/` divides as Python does, without rounding.

use std::cmp::Ordering;
use std::fmt;

/// A rational number in lowest terms, with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    numerator: i128,
    denominator: i128,
}

/// Why there is no result.
type Calculated<T> = Result<T, &'static str>;

pub(super) const TOO_GREAT: &str = "a number is too great";
const NO_INTEGER: &str = "this operator takes integers";

impl Number {
    pub(super) const ZERO: Self = Self { numerator: 0, denominator: 1 };

    pub(super) fn integer(value: i64) -> Self {
        Self { numerator: i128::from(value), denominator: 1 }
    }

    pub(super) fn truth(is: bool) -> Self {
        Self::integer(i64::from(is))
    }

    pub(super) fn is_zero(self) -> bool {
        self.numerator == 0
    }

    fn ratio(numerator: i128, denominator: i128) -> Calculated<Self> {
        if denominator == 0 {
            return Err("it divides by zero");
        }
        let divisor = greatest_common_divisor(numerator, denominator).ok_or(TOO_GREAT)? * denominator.signum();
        Ok(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    pub(super) fn plus(self, other: Self) -> Calculated<Self> {
        let left = self.numerator.checked_mul(other.denominator).ok_or(TOO_GREAT)?;
        let right = other.numerator.checked_mul(self.denominator).ok_or(TOO_GREAT)?;
        let denominator = self.denominator.checked_mul(other.denominator).ok_or(TOO_GREAT)?;
        Self::ratio(left.checked_add(right).ok_or(TOO_GREAT)?, denominator)
    }

    pub(super) fn negative(self) -> Calculated<Self> {
        Ok(Self { numerator: self.numerator.checked_neg().ok_or(TOO_GREAT)?, ..self })
    }

    pub(super) fn minus(self, other: Self) -> Calculated<Self> {
        self.plus(other.negative()?)
    }

    pub(super) fn times(self, other: Self) -> Calculated<Self> {
        let numerator = self.numerator.checked_mul(other.numerator).ok_or(TOO_GREAT)?;
        Self::ratio(numerator, self.denominator.checked_mul(other.denominator).ok_or(TOO_GREAT)?)
    }

    pub(super) fn over(self, other: Self) -> Calculated<Self> {
        let numerator = self.numerator.checked_mul(other.denominator).ok_or(TOO_GREAT)?;
        Self::ratio(numerator, self.denominator.checked_mul(other.numerator).ok_or(TOO_GREAT)?)
    }

    /// The greatest integer that is not greater.
    pub(super) fn floor(self) -> Self {
        Self { numerator: self.numerator.div_euclid(self.denominator), denominator: 1 }
    }

    /// The integer part: towards zero.
    pub(super) fn whole(self) -> Self {
        Self { numerator: self.numerator / self.denominator, denominator: 1 }
    }

    /// What is left after dividing, with the sign of the divisor, as in Python.
    pub(super) fn remainder(self, other: Self) -> Calculated<Self> {
        self.minus(self.over(other)?.floor().times(other)?)
    }

    /// Both as integers.
    pub(super) fn bits(self, other: Self, operation: fn(i128, i128) -> i128) -> Calculated<Self> {
        if self.denominator != 1 || other.denominator != 1 {
            return Err(NO_INTEGER);
        }
        Ok(Self { numerator: operation(self.numerator, other.numerator), denominator: 1 })
    }

    pub(super) fn shift_left(self, places: Self) -> Calculated<Self> {
        self.times(places.power_of_two()?)
    }

    pub(super) fn shift_right(self, places: Self) -> Calculated<Self> {
        if self.denominator != 1 {
            return Err(NO_INTEGER);
        }
        Ok(self.over(places.power_of_two()?)?.floor())
    }

    fn power_of_two(self) -> Calculated<Self> {
        let places = u32::try_from(self.numerator).ok().filter(|_| self.denominator == 1);
        let numerator = 1i128.checked_shl(places.ok_or("it shifts by what is no count")?);
        Ok(Self { numerator: numerator.filter(|power| *power > 0).ok_or(TOO_GREAT)?, denominator: 1 })
    }

    /// What `text` means: decimal, with a fraction or not, or hexadecimal.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(hex) = text.strip_prefix("0x") {
            return Some(Self { numerator: i128::from_str_radix(hex, 16).ok()?, denominator: 1 });
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let numerator = format!("{whole}{fraction}").parse().ok()?;
        Self::ratio(numerator, 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?).ok()
    }

    /// Which is greater, if that can be told.
    pub(super) fn order(self, other: Self) -> Calculated<Ordering> {
        Ok(self.minus(other)?.numerator.cmp(&0))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => self.numerator.fmt(f),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

/// Positive; nothing where it does not fit, which is only for the least of all numbers.
fn greatest_common_divisor(a: i128, b: i128) -> Option<i128> {
    let (mut a, mut b) = (a.checked_abs()?, b.checked_abs()?);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Some(a.max(1))
}
