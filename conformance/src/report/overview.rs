//! The matrices of several systems in one: each cell has a sign for every system.

use std::fmt::{self, Display, Formatter};

use super::sign::Sign;
use crate::cells::{Cell, Configuration, Matrix, Stimulus};

/// Of these systems, in this order.
pub struct Overview<'a>(pub &'a [Matrix]);

impl Overview<'_> {
    /// How many columns it takes.
    pub fn width(&self) -> usize {
        let (first, column) = self.widths();
        first + Configuration::ALL.len() * (2 + column)
    }

    /// Of the names of the stimuli, and of a cell.
    fn widths(&self) -> (usize, usize) {
        let first = Stimulus::all().map(|stimulus| stimulus.name().len()).max().unwrap_or(0);
        let name = Configuration::ALL.iter().map(|configuration| configuration.short_name().len()).max().unwrap_or(0);
        (first, self.0.len().max(name))
    }

    fn signs(&self, cell: Cell) -> String {
        let sign = |matrix: &Matrix| matrix.get(cell).map_or(Sign::Untried, |outcome| Sign::from(&outcome.verdict));
        self.0.iter().map(|matrix| sign(matrix).symbol()).collect()
    }
}

/// The table, what its signs mean, and for each system what is not as it should be.
impl Display for Overview<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let systems: Vec<&str> = self.0.iter().map(Matrix::system).collect();
        writeln!(f, "every stimulus in every state; in each cell {}\n", systems.join(", "))?;
        let (first, column) = self.widths();
        write!(f, "{:first$}", "")?;
        Configuration::ALL.iter().try_for_each(|it| write!(f, "  {:column$}", it.short_name()))?;
        writeln!(f)?;
        for stimulus in Stimulus::all() {
            write!(f, "{:first$}", stimulus.name())?;
            for configuration in Configuration::ALL {
                write!(f, "  {:column$}", self.signs(Cell { configuration, stimulus }))?;
            }
            writeln!(f)?;
        }
        let meanings: Vec<String> = Sign::ALL.iter().map(|it| format!("{} {}", it.symbol(), it.meaning())).collect();
        writeln!(f, "\n{}\n", meanings.join("   "))?;
        self.0.iter().try_for_each(|matrix| write!(f, "{}", matrix.remarks()))?;
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::CellOutcome;
    use crate::verdict::Subject;

    #[test]
    fn each_cell_has_a_sign_for_every_system() {
        let cell: Cell = "ESTABLISHED/RST R+10".parse().expect("a cell");
        let mut matrices = [Subject::Lockstep, Subject::Linux].map(Matrix::new);
        matrices[1].add(CellOutcome::error(cell, Subject::Linux, "it crashed".to_owned()));
        let overview = Overview(&matrices);
        let told = overview.to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "every stimulus in every state; in each cell lockstep, linux");
        let widest = lines[2..29].iter().map(|line| line.trim_end().chars().count()).max();
        assert!(
            widest.is_some_and(|widest| widest <= overview.width() && widest + 2 >= overview.width()),
            "{widest:?}"
        );
        let row = lines.iter().find(|line| line.starts_with("RST R+10 ")).expect("a row");
        assert_eq!(row.matches("–?").count(), 1, "{row}");
        assert_eq!(row.matches("––").count(), 12, "{row}");
        assert!(told.contains("it crashed") && told.contains("linux: 1 could not be judged"), "{told}");
    }
}
