"""Cases for `edge doctor`: a folder with one thing wrong each, and what the doctor must say of it."""
