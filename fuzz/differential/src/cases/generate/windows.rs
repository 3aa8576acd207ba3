//! Windows that move over one axis or two behind the channels: convolutions, pools, and what stands around them.

use super::super::wire::Message;
use super::super::write::{float_attribute, int_attribute, ints_attribute, text_attribute};
use super::{Builder, Live};

/// How windows move: the attributes that say so, and the sizes of the places.
struct Moves {
    attributes: Vec<Message>,
    places: Vec<usize>,
}

/// What may stand at a window.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Conv,
    MaxPool,
    AveragePool,
}

impl Builder<'_> {
    /// One of them; nothing where it does not fit.
    pub fn windows(&mut self, of: &Live) -> Option<Live> {
        if !matches!(of.shape.len(), 2 | 3) || of.size() > 200 {
            return None;
        }
        match self.random.below(9) {
            0..=2 => self.conv(of),
            3 => self.max_pool(of),
            4 => self.average_pool(of),
            5 => Some(self.global_pool(of)),
            6 => self.pad(of),
            7 => self.normalised(of),
            _ => Some(self.residual(of)),
        }
    }

    /// The same with the channels behind.
    pub fn channels_last(&mut self, of: &Live) -> Option<Live> {
        let rank = of.shape.len();
        if !matches!(rank, 2 | 3) {
            return None;
        }
        self.mark("channels last");
        let rest = 1..rank as i64;
        let there: Vec<i64> = [0, rank as i64].into_iter().chain(rest.clone()).collect();
        let back: Vec<i64> = [0].into_iter().chain(rest.map(|k| k + 1)).chain([1]).collect();
        let mut shape = of.shape.clone();
        shape.rotate_right(1);
        let first = self.push("Transpose", &[&of.name], vec![ints_attribute("perm", &there)], shape);
        let mut moved = self.windows(&first)?;
        if moved.shape.len() != rank || self.random.one_in(4) {
            return Some(moved);
        }
        moved.shape.rotate_left(1);
        Some(self.push("Transpose", &[&moved.name], vec![ints_attribute("perm", &back)], moved.shape))
    }

    /// Windows of `cells` over axes of these sizes; nothing where there is no room.
    fn moves(&mut self, sizes: &[usize], cells: &[usize], of: Of) -> Option<Moves> {
        let mut list = |most: i64| -> Vec<i64> { sizes.iter().map(|_| self.random.between(1, most)).collect() };
        let (strides, dilations) = (list(3), list(2));
        let strides = if self.random.one_in(2) { vec![1; sizes.len()] } else { strides };
        let auto = self.random.pick(&["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "", "", "", ""]);
        let dilates = match of {
            Of::Conv => true,
            Of::MaxPool => self.opset >= 10,
            Of::AveragePool => self.opset >= 19 && self.random.one_in(8),
        };
        let dilates = dilates && self.random.one_in(3) && (!auto.starts_with("SAME") || self.random.one_in(32));
        let dilations = if dilates { dilations } else { vec![1; sizes.len()] };
        let mut attributes = Vec::new();
        let pad = |b: &mut Self, k: usize| match of {
            Of::Conv => b.random.between(0, 2),
            _ => b.random.between(0, cells[k] as i64 - 1),
        };
        let pads: Vec<i64> = match auto {
            "" if !self.random.one_in(3) => (0..2 * sizes.len()).map(|k| pad(self, k % sizes.len())).collect(),
            _ => vec![0; 2 * sizes.len()],
        };
        if auto.is_empty() && (pads.iter().any(|&pad| pad != 0) || self.random.one_in(3)) {
            attributes.push(ints_attribute("pads", &pads));
        }
        if !auto.is_empty() {
            self.mark(format!("auto_pad {auto}"));
            attributes.push(text_attribute("auto_pad", auto));
        }
        let ceil = of != Of::Conv && self.opset >= 10 && self.random.one_in(4);
        if ceil {
            self.mark("ceil_mode");
            attributes.push(int_attribute("ceil_mode", 1));
        }
        for (name, values) in [("strides", &strides), ("dilations", &dilations)] {
            if values.iter().any(|&v| v != 1) || (name == "strides" && self.random.one_in(3)) {
                attributes.push(ints_attribute(name, values));
            }
        }
        if of != Of::Conv || self.random.one_in(2) {
            attributes.push(ints_attribute("kernel_shape", &cells.iter().map(|&c| c as i64).collect::<Vec<_>>()));
        }
        let place = |k: usize| {
            let (size, stride) = (sizes[k] as i64, strides[k]);
            let width = (cells[k] as i64 - 1) * dilations[k] + 1;
            if auto.starts_with("SAME") {
                return Some((size + stride - 1) / stride);
            }
            let left = size + pads[k] + pads[sizes.len() + k] - width;
            let more = ceil && left % stride != 0 && (left / stride + 1) * stride < size + pads[k];
            (left >= 0).then(|| left / stride + 1 + i64::from(more))
        };
        let places = (0..sizes.len()).map(place).collect::<Option<Vec<i64>>>()?;
        self.random.shuffle(&mut attributes);
        Some(Moves { attributes, places: places.iter().map(|&place| place as usize).collect() })
    }

    /// Sizes of a window that fits, as a rule.
    fn cells(&mut self, sizes: &[usize]) -> Vec<usize> {
        sizes.iter().map(|&size| 1 + self.random.below(size.min(3))).collect()
    }

    fn conv(&mut self, of: &Live) -> Option<Live> {
        let (channels, sizes) = of.shape.split_first()?;
        let cells = self.cells(sizes);
        let Moves { mut attributes, places } = self.moves(sizes, &cells, Of::Conv)?;
        let groups: Vec<usize> = (1..=*channels).filter(|groups| channels.is_multiple_of(*groups)).collect();
        let groups = if self.random.one_in(3) { self.random.pick(&groups) } else { 1 };
        if groups > 1 || self.random.one_in(4) {
            attributes.push(int_attribute("group", groups as i64));
        }
        let out = groups * (1 + self.random.below(2));
        let weight = self.floats(&[&[out, channels / groups], &cells[..]].concat());
        let shape = [&[out], &places[..]].concat();
        if self.random.one_in(2) {
            return Some(self.push("Conv", &[&of.name, &weight], attributes, shape));
        }
        let bias = self.floats(&[out]);
        Some(self.push("Conv", &[&of.name, &weight, &bias], attributes, shape))
    }

    fn max_pool(&mut self, of: &Live) -> Option<Live> {
        let cells = self.cells(&of.shape[1..]);
        let Moves { mut attributes, places } = self.moves(&of.shape[1..], &cells, Of::MaxPool)?;
        if self.random.one_in(8) {
            attributes.push(int_attribute("storage_order", 0));
        }
        Some(self.push("MaxPool", &[&of.name], attributes, [&of.shape[..1], &places].concat()))
    }

    fn average_pool(&mut self, of: &Live) -> Option<Live> {
        let cells = self.cells(&of.shape[1..]);
        let Moves { mut attributes, places } = self.moves(&of.shape[1..], &cells, Of::AveragePool)?;
        if self.random.one_in(2) {
            attributes.push(int_attribute("count_include_pad", self.random.between(0, 1)));
        }
        Some(self.push("AveragePool", &[&of.name], attributes, [&of.shape[..1], &places].concat()))
    }

    fn global_pool(&mut self, of: &Live) -> Live {
        let operator = self.random.pick(&["GlobalAveragePool", "GlobalMaxPool"]);
        let shape = [&of.shape[..1], &vec![1; of.shape.len() - 1]].concat();
        self.push(operator, &[&of.name], vec![], shape)
    }

    /// Entries around the samples, or fewer of them.
    fn pad(&mut self, of: &Live) -> Option<Live> {
        let rank = of.shape.len();
        let modes = ["constant", "constant", "edge", "reflect", "wrap"];
        let mode = self.random.pick(&modes[..if self.opset < 19 { 4 } else { 5 }]);
        let mut pads = vec![0; 2 * (rank + 1)];
        let mut shape = of.shape.clone();
        for (axis, size) in shape.iter_mut().enumerate() {
            for side in [axis + 1, axis + rank + 2] {
                let most = if mode == "reflect" { *size as i64 - 1 } else { 2 };
                let least = if mode == "constant" && self.random.one_in(6) { -1 } else { 0 };
                pads[side] =
                    if axis == 0 && !self.random.one_in(4) { 0 } else { self.random.between(least, most.min(2)) };
            }
            let padded = *size as i64 + pads[axis + 1] + pads[axis + rank + 2];
            *size = usize::try_from(padded).ok().filter(|&size| size > 0)?;
        }
        self.mark(format!("pad {mode}"));
        let value = if self.random.one_in(2) { Some(self.weight()) } else { None };
        let mut attributes =
            if mode == "constant" && self.random.one_in(2) { vec![] } else { vec![text_attribute("mode", mode)] };
        if self.opset < 11 {
            attributes.push(ints_attribute("pads", &pads));
            attributes.extend(value.map(|value| float_attribute("value", value as f32)));
            return Some(self.push("Pad", &[&of.name], attributes, shape));
        }
        let pads = self.integers(&pads);
        let value = value.map(|value| self.float_constant(&[], vec![value]));
        let inputs: Vec<&str> = [&of.name, &pads].into_iter().chain(&value).map(String::as_str).collect();
        Some(self.push("Pad", &inputs, attributes, shape))
    }

    /// A BatchNormalization of the channels in front of a convolution whose padding it does not reach, or behind it.
    fn normalised(&mut self, of: &Live) -> Option<Live> {
        self.mark("normalised beside a convolution");
        if self.random.one_in(2) {
            let normal = self.batch_norm(of)?;
            return self.conv(&normal);
        }
        let product = self.conv(of)?;
        self.batch_norm(&product)
    }

    /// A sum of a value and a convolution of it that has its shape.
    fn residual(&mut self, of: &Live) -> Live {
        self.mark("residual");
        let mut inner = of.clone();
        for last in [false, true] {
            let channels = of.shape[0];
            let weight = self.floats(&[&[channels, channels], &vec![3; of.shape.len() - 1][..]].concat());
            let same = match self.random.one_in(2) {
                true => text_attribute("auto_pad", "SAME_UPPER"),
                false => ints_attribute("pads", &vec![1; 2 * (of.shape.len() - 1)]),
            };
            inner = self.push("Conv", &[&inner.name, &weight], vec![same], of.shape.clone());
            if !last {
                inner = self.push("Relu", &[&inner.name], vec![], of.shape.clone());
            }
            if self.random.one_in(2) {
                break;
            }
        }
        let sum = self.push("Add", &[&inner.name, &of.name], vec![], of.shape.clone());
        self.push("Relu", &[&sum.name], vec![], of.shape.clone())
    }
}
