// A formula in a recipe, such as a search's fitness: numbers, names, + - * / with brackets, and a few
// functions. Every operation is IEEE double arithmetic in the order written; exp and log are written out here
// and not the system's, which differ in the last bit between versions and processors. So a formula gives one
// number everywhere.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/result.hpp"

namespace assay::rules {

double plain_exp(double x);  ///< within 4e-16 relative of e^x; NaN for NaN
double plain_log(double x);  ///< within 4e-16 of ln x; NaN below 0, -infinity at 0

class Formula {
 public:
  /// sum = product {("+" | "-") product}; product = sign {("*" | "/") sign}; sign = {"-"} atom; atom = number
  /// | name | name "(" sum {"," sum} ")" | "(" sum ")". Names are [A-Za-z_][A-Za-z0-9_]*. Functions: abs,
  /// exp, log, sigmoid, sqrt, tanh of one number; max, min of two or more, NaN where one is NaN. Errors say
  /// the byte.
  static Result<Formula> parse(std::string_view text);

  /// Fault::missing where a name has no value; the error lists those there are.
  Result<double> value(const std::map<std::string, double>& values) const;
  const std::set<std::string>& names() const { return names_; }

 private:
  friend class FormulaParser;
  /// In the order in which a stack takes them.
  struct Step {
    enum class Kind { number, name, negate, add, subtract, multiply, divide, call } kind;
    double number = 0;
    std::string name;
    std::size_t arguments = 0;
  };
  std::vector<Step> steps_;
  std::set<std::string> names_;
};

}  // namespace assay::rules
