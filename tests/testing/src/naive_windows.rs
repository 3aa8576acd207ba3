//! Convolutions, pools and padding by naive loops over channels, lines and columns.

/// `[channels, lines, columns]`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub shape: [usize; 3],
    pub values: Vec<f64>,
}

/// A window that moves, per axis.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub cells: [usize; 2],
    pub strides: [usize; 2],
    pub dilations: [usize; 2],
    pub before: [usize; 2],
    pub behind: [usize; 2],
    /// Whether a last place may reach beyond the padding, as long as it begins over the input or the padding before it.
    pub ceil: bool,
}

/// Where the entries around an image come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Around {
    Constant(f64),
    Edge,
    Reflect,
}

impl Window {
    /// One place after the other, without padding.
    pub fn plain(cells: [usize; 2]) -> Window {
        Window { cells, strides: [1, 1], dilations: [1, 1], before: [0, 0], behind: [0, 0], ceil: false }
    }

    /// Number of places on an axis of the input; `None` where there is no room for one.
    fn places(&self, axis: usize, input: usize) -> Option<usize> {
        let reach = (self.cells[axis] - 1) * self.dilations[axis] + 1;
        let room = input + self.before[axis] + self.behind[axis];
        if room < reach {
            return None;
        }
        let mut places = 1;
        while places * self.strides[axis] + reach <= room {
            places += 1;
        }
        let begins = places * self.strides[axis];
        let left = begins - self.strides[axis] + reach < room;
        Some(places + usize::from(self.ceil && left && begins < input + self.before[axis]))
    }

    /// Padding so that there is a place per step, as little as will do and as evenly as it goes; the odd entry behind
    /// (`upper`) or before.
    pub fn same(&mut self, axis: usize, input: usize, upper: bool) {
        (self.before[axis], self.behind[axis]) = (0, 0);
        while self.places(axis, input).unwrap_or(0) < input.div_ceil(self.strides[axis]) {
            let behind = (self.before[axis] == self.behind[axis]) == upper;
            *if behind { &mut self.behind[axis] } else { &mut self.before[axis] } += 1;
        }
    }

    /// The shape of what stands at the places.
    pub fn output(&self, image: &Image, channels: usize) -> Option<[usize; 3]> {
        Some([channels, self.places(0, image.shape[1])?, self.places(1, image.shape[2])?])
    }
}

impl Image {
    pub fn new(shape: [usize; 3], values: Vec<f64>) -> Image {
        assert_eq!(values.len(), shape.iter().product::<usize>());
        Image { shape, values }
    }

    /// Computed entry by entry.
    fn of(shape: [usize; 3], entry: impl Fn(usize, usize, usize) -> f64) -> Image {
        let mut values = Vec::new();
        for c in 0..shape[0] {
            for i in 0..shape[1] {
                for j in 0..shape[2] {
                    values.push(entry(c, i, j));
                }
            }
        }
        Image { shape, values }
    }

    /// The entry at a line and column counted from the padding's edge; `None` in the padding.
    fn under(&self, c: usize, window: &Window, (i, j): (usize, usize)) -> Option<f64> {
        let [_, lines, columns] = self.shape;
        let line = i as i64 - window.before[0] as i64;
        let column = j as i64 - window.before[1] as i64;
        let inside = (0..lines as i64).contains(&line) && (0..columns as i64).contains(&column);
        inside.then(|| self.values[(c * lines + line as usize) * columns + column as usize])
    }

    /// The cells of the window at one place, row-major; `None` in the padding.
    pub fn cells(&self, c: usize, window: &Window, (i, j): (usize, usize)) -> Vec<Option<f64>> {
        let mut cells = Vec::new();
        for k in 0..window.cells[0] {
            for l in 0..window.cells[1] {
                let line = i * window.strides[0] + k * window.dilations[0];
                let column = j * window.strides[1] + l * window.dilations[1];
                cells.push(self.under(c, window, (line, column)));
            }
        }
        cells
    }

    /// weight `[outputs, inputs per group, cells…]`, one bias per output.
    pub fn conv(&self, window: &Window, (weight, bias): (&[f32], &[f32]), groups: usize) -> Option<Image> {
        let (outputs, inputs) = (bias.len(), self.shape[0] / groups);
        let area = window.cells[0] * window.cells[1];
        Some(Image::of(window.output(self, outputs)?, |o, i, j| {
            let mut sum = f64::from(bias[o]);
            for c in 0..inputs {
                let first = o / (outputs / groups) * inputs;
                for (k, cell) in self.cells(first + c, window, (i, j)).into_iter().enumerate() {
                    sum += f64::from(weight[(o * inputs + c) * area + k]) * cell.unwrap_or(0.0);
                }
            }
            sum
        }))
    }

    /// Over all cells, or over those that are not in the padding.
    pub fn average(&self, window: &Window, all: bool) -> Option<Image> {
        Some(Image::of(window.output(self, self.shape[0])?, |c, i, j| {
            let cells = self.cells(c, window, (i, j));
            let count = if all { cells.len() } else { cells.iter().flatten().count() };
            cells.iter().flatten().sum::<f64>() / count as f64
        }))
    }

    /// Over the cells that are not in the padding.
    pub fn maximum(&self, window: &Window) -> Option<Image> {
        Some(Image::of(window.output(self, self.shape[0])?, |c, i, j| {
            self.cells(c, window, (i, j)).into_iter().flatten().fold(f64::NEG_INFINITY, f64::max)
        }))
    }

    /// So many entries around the image's, per axis of the channels, lines and columns.
    pub fn pad(&self, before: [usize; 3], behind: [usize; 3], around: Around) -> Image {
        // A walk from the first entry on that turns round at the ends, or stops there.
        let walk = |k: usize, at: usize| {
            let (mut place, mut step) = (0_i64, if at < before[k] { -1_i64 } else { 1 });
            for _ in 0..at.abs_diff(before[k]) {
                let outside = !(0..self.shape[k] as i64).contains(&(place + step));
                step = if outside && around == Around::Reflect { -step } else { step };
                place += if outside && around == Around::Edge { 0 } else { step };
            }
            place as usize
        };
        let Around::Constant(value) = around else {
            let shape = [0, 1, 2].map(|k| before[k] + self.shape[k] + behind[k]);
            return Image::of(shape, |c, i, j| {
                let [c, i, j] = [walk(0, c), walk(1, i), walk(2, j)];
                self.values[(c * self.shape[1] + i) * self.shape[2] + j]
            });
        };
        let shape = [0, 1, 2].map(|k| before[k] + self.shape[k] + behind[k]);
        Image::of(shape, |c, i, j| {
            let place = [c, i, j];
            let inside = (0..3).all(|k| place[k] >= before[k] && place[k] < before[k] + self.shape[k]);
            let [c, i, j] = [0, 1, 2].map(|k| place[k].saturating_sub(before[k]));
            if inside { self.values[(c * self.shape[1] + i) * self.shape[2] + j] } else { value }
        })
    }
}
