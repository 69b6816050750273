//! Objects in unusual forms: their copies show what they mean, at Google too, and what had to be
//! guessed is reported.

mod sign_in;
mod unusual;
