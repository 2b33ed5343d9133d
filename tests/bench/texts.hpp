// Text that looks like what a search writes: lines of a program, sentences about a design, a training log.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/random.hpp"

namespace assay::bench {

using Lines = std::vector<std::string>;  ///< without line feeds

std::string statement(Random& random, unsigned indent);  ///< one line of Python
std::string sentence(Random& random);                    ///< one sentence of about 15 words
/// Functions of Python, at least `bytes` long.
Lines functions(Random& random, std::size_t bytes);
Lines prose(Random& random, std::size_t bytes);
/// `parent` with each line that is not blank and no `class`, `def` or `import` replaced with probability
/// per_mille / 1000.
Lines changed_program(Random& random, const Lines& parent, unsigned per_mille);
Lines changed_prose(Random& random, const Lines& parent, unsigned per_mille);
std::string joined(const Lines& lines);
std::size_t size_of(const Lines& lines);

}  // namespace assay::bench
