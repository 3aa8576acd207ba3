//! The proof's steps: from slopes to a function below the network, and its least value over the ball.

pub mod ball;
pub mod check;
pub mod interval;
pub mod minorant;
pub mod sum;
