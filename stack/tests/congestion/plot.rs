//! Curves over time as SVG, and nothing more.

use std::fmt::Write as _;

/// Pixels of a panel's frame, and what is left around it for words.
const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 24.0;
const ABOVE: f64 = 58.0;
const BELOW: f64 = 48.0;

/// A drawing: panels one below the other.
pub struct Drawing<'a> {
    pub title: &'a str,
    pub panels: Vec<Panel<'a>>,
}

/// Curves with axes of their own.
pub struct Panel<'a> {
    pub title: String,
    /// What is on the vertical axis, with its unit.
    pub y_label: &'a str,
    pub x_max: f64,
    pub x_step: f64,
    pub y_max: f64,
    pub y_step: f64,
    pub curves: Vec<Curve<'a>>,
    /// Moments to be marked below the frame's upper edge, and what they are.
    pub marks: Option<(&'a str, Vec<f64>)>,
    /// A height to be marked, and what it is.
    pub level: Option<(&'a str, f64)>,
}

/// One curve.
pub struct Curve<'a> {
    pub name: &'a str,
    pub colour: &'a str,
    pub dashed: bool,
    pub points: Vec<(f64, f64)>,
}

impl Drawing<'_> {
    pub fn to_svg(&self) -> String {
        let panel = ABOVE + HEIGHT + BELOW;
        let (width, height) =
            (LEFT + WIDTH + RIGHT, 34.0 + panel * f64::from(u32::try_from(self.panels.len()).unwrap()));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#222\">\n\
             <title>{title}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"28\" font-size=\"18\" font-weight=\"bold\">{title}</text>\n",
            title = self.title,
        );
        let mut y = 34.0;
        for each in &self.panels {
            writeln!(svg, "<g transform=\"translate({LEFT} {})\">", y + ABOVE).unwrap();
            each.draw(&mut svg);
            svg.push_str("</g>\n");
            y += panel;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

impl Panel<'_> {
    fn draw(&self, svg: &mut String) {
        writeln!(svg, "<text y=\"-32\" font-size=\"15\" font-weight=\"bold\">{}</text>", self.title).unwrap();
        self.draw_axes(svg);
        self.draw_marks(svg);
        self.curves.iter().for_each(|curve| self.draw_curve(curve, svg));
        self.draw_level(svg);
        self.draw_legend(svg);
    }

    fn draw_axes(&self, svg: &mut String) {
        for (n, at) in steps(self.x_step, self.x_max) {
            let x = self.x(at);
            writeln!(
                svg,
                "<path d=\"M{x:.1} 0V{HEIGHT}\" stroke=\"#eee\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                HEIGHT + 18.0,
                f64::from(n) * self.x_step
            )
            .unwrap();
        }
        for (n, at) in steps(self.y_step, self.y_max) {
            let y = self.y(at);
            writeln!(
                svg,
                "<path d=\"M0 {y:.1}H{WIDTH}\" stroke=\"#eee\"/>\
                 <text x=\"-8\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                y + 4.5,
                f64::from(n) * self.y_step
            )
            .unwrap();
        }
        writeln!(
            svg,
            "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"none\" stroke=\"#888\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">time in seconds</text>\n\
             <text transform=\"translate(-54 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            WIDTH / 2.0,
            HEIGHT + 38.0,
            HEIGHT / 2.0,
            self.y_label
        )
        .unwrap();
    }

    fn draw_level(&self, svg: &mut String) {
        let Some((name, height)) = self.level else { return };
        let y = self.y(height);
        writeln!(
            svg,
            "<path d=\"M0 {y:.1}H{WIDTH}\" stroke=\"#777\" stroke-dasharray=\"2 4\"/>\n\
             <text x=\"20\" y=\"{:.1}\" fill=\"#555\" font-size=\"12\" stroke=\"#fff\" stroke-width=\"3\" \
             paint-order=\"stroke\">{name}</text>",
            y - 5.0
        )
        .unwrap();
    }

    fn draw_marks(&self, svg: &mut String) {
        let Some((_, moments)) = &self.marks else { return };
        let mut path = String::new();
        let mut last = String::new();
        for &moment in moments {
            let at = format!("{:.0}", self.x(moment));
            if at != last {
                write!(path, "M{at} 1l-4 -9h8z").unwrap();
                last = at;
            }
        }
        writeln!(svg, "<path d=\"{path}\" fill=\"{MARK}\"/>").unwrap();
    }

    /// A curve moves on when it has moved by a fifth of a pixel.
    fn draw_curve(&self, curve: &Curve, svg: &mut String) {
        let mut points = String::new();
        let mut last = None;
        for &(x, y) in &curve.points {
            let point = (format!("{:.1}", self.x(x)), format!("{:.1}", self.y(y.min(self.y_max))));
            if last.as_ref().is_none_or(|(_, height)| *height != point.1) {
                if let Some((_, height)) = &last {
                    write!(points, "{},{height} ", point.0).unwrap();
                }
                write!(points, "{},{} ", point.0, point.1).unwrap();
                last = Some(point);
            }
        }
        if let (Some((_, height)), Some(&(x, _))) = (last, curve.points.last()) {
            write!(points, "{:.1},{height}", self.x(x)).unwrap();
        }
        let dash = if curve.dashed { " stroke-dasharray=\"6 3\"" } else { "" };
        writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"{dash}/>",
            curve.colour
        )
        .unwrap();
    }

    fn draw_legend(&self, svg: &mut String) {
        let mut x = 0.0;
        for curve in &self.curves {
            let dash = if curve.dashed { " stroke-dasharray=\"6 3\"" } else { "" };
            writeln!(
                svg,
                "<path d=\"M{x} -18h26\" stroke=\"{}\" stroke-width=\"2.4\"{dash}/>\
                 <text x=\"{}\" y=\"-13.5\">{}</text>",
                curve.colour,
                x + 32.0,
                curve.name
            )
            .unwrap();
            x += 66.0 + 6.6 * f64::from(u32::try_from(curve.name.len()).unwrap());
        }
        if let Some((name, _)) = &self.marks {
            writeln!(
                svg,
                "<path d=\"M{} -14l-4 -9h8z\" fill=\"{MARK}\"/><text x=\"{}\" y=\"-13.5\">{name}</text>",
                x + 6.0,
                x + 16.0
            )
            .unwrap();
        }
    }

    fn x(&self, at: f64) -> f64 {
        at / self.x_max * WIDTH
    }

    fn y(&self, height: f64) -> f64 {
        HEIGHT - height / self.y_max * HEIGHT
    }
}

const MARK: &str = "#c0392b";

/// The multiples of `step` up to `max`.
fn steps(step: f64, max: f64) -> impl Iterator<Item = (u32, f64)> {
    (0_u32..).map(move |n| (n, f64::from(n) * step)).take_while(move |&(_, at)| at <= max)
}
