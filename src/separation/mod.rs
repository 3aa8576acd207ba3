//! Convex separability of two classes of points, proven: hyperplanes for sensitive points outside the convex hull of the
//! other class, convex combinations for those inside. An input-convex classifier with perfect training accuracy exists
//! exactly where no sensitive point lies inside.
//!
//! Directions are found in floats, in whitened coordinates: a few hyperplanes that share the points (`cover`), then
//! one per point that is left, from the nearest point of the hull (`nearest`), whose face gives the combination where the
//! distance is 0 (`combination`). Every line that this proposes is checked by the kernel before it counts. Of a point that no
//! line settles, the nearest point of the hull that was found is told, in floats (`unproven`).

mod classes;
mod classifier;
mod combination;
mod cover;
mod held;
mod hyperplane;
mod machine;
mod nearest;
mod prune;
mod record;
mod search;
mod unproven;
mod whitened;

pub use classes::{Class, Classes};
pub use classifier::{Classifier, classifier};
pub use held::{Difference, held};
pub use hyperplane::Hyperplane;
pub use record::{Counted, Record};
pub use search::{Effort, Event, Search};
pub use unproven::{Unproven, unproven};
