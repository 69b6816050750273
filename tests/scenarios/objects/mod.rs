//! Objects that say something in an unusual way: what they mean is shown by their copies, at Google
//! too, and what had to be guessed is told.

mod sign_in;
mod unusual;
