#include "toolkit/rules/formula.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

namespace assay::rules {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// ln 2 in two parts; the first has 21 trailing zero bits, so that a small integer times it is exact.
constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;

struct Function {
  std::string_view name;
  bool many;  ///< two or more arguments, else one
  double (*one)(double);
  double (*two)(double, double);
};

double sigmoid(double x) { return 1 / (1 + plain_exp(-x)); }
// By the exponential of a number that is not positive, so that nothing overflows.
double tanh_of(double x) {
  const double small = plain_exp(-2 * std::fabs(x));
  return std::copysign((1 - small) / (1 + small), x);
}
double absolute(double x) { return std::fabs(x); }
double root(double x) { return std::sqrt(x); }
double larger(double a, double b) { return std::isnan(a) || std::isnan(b) ? kNaN : a < b ? b : a; }
double smaller(double a, double b) { return std::isnan(a) || std::isnan(b) ? kNaN : b < a ? b : a; }

constexpr Function kFunctions[] = {
    {"abs", false, absolute, nullptr},  {"exp", false, plain_exp, nullptr},
    {"log", false, plain_log, nullptr}, {"max", true, nullptr, larger},
    {"min", true, nullptr, smaller},    {"sigmoid", false, sigmoid, nullptr},
    {"sqrt", false, root, nullptr},     {"tanh", false, tanh_of, nullptr},
};

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions)
    if (function.name == name) return &function;
  return nullptr;
}

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool in_name(char c) { return starts_name(c) || (c >= '0' && c <= '9'); }

}  // namespace

double plain_exp(double x) {
  if (std::isnan(x)) return kNaN;
  if (x > 709.782712893384) return kInfinity;
  if (x < -745.2) return 0;
  const double k = std::floor(x * 1.44269504088896338700 + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;  // |r| <= 0.347
  double sum = 1;                                     // the series by Horner: r^17 / 17! is below 1e-22
  for (int n = 17; n >= 1; --n) sum = 1 + r / n * sum;
  return std::ldexp(sum, static_cast<int>(k));
}

double plain_log(double x) {
  if (std::isnan(x) || x < 0) return kNaN;
  if (x == 0) return -kInfinity;
  if (std::isinf(x)) return x;
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // [0.5, 1)
  if (m < 0.70710678118654752440) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), square = s * s;  // |s| <= 0.172; ln m = 2 atanh s
  double sum = 0;
  for (int n = 23; n >= 3; n -= 2) sum = (sum + 1.0 / n) * square;
  return exponent * kLn2High + (2 * s + (2 * s * sum + exponent * kLn2Low));
}

// Recursive descent; every level takes one bracket, and their depth is limited.
class FormulaParser {
 public:
  explicit FormulaParser(std::string_view text) : text_(text) {}

  Result<Formula> parse() {
    ASSAY_TRY(sum());
    if (peek() != 0) return wrong("the end, or an operator");
    return std::move(formula_);
  }

 private:
  using Kind = Formula::Step::Kind;

  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : 0;
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  Error wrong(const std::string& expected) {
    const char found = peek();
    return {Fault::malformed,
            "byte " + std::to_string(at_ + 1) + " of the formula: expected " + expected + ", found " +
                (found ? std::string(1, found) : "its end"),
            "formula \"" + std::string(text_.substr(0, 200)) + "\"", ""};
  }
  void emit(Kind kind) { formula_.steps_.push_back({kind, 0, "", 0}); }

  Status sum() {
    if (++depth_ > 100) return wrong("fewer brackets in each other");
    ASSAY_TRY(product());
    for (;;) {
      const bool plus = take('+');
      if (!plus && !take('-')) break;
      ASSAY_TRY(product());
      emit(plus ? Kind::add : Kind::subtract);
    }
    --depth_;
    return {};
  }
  Status product() {
    ASSAY_TRY(sign());
    for (;;) {
      const bool times = take('*');
      if (!times && !take('/')) return {};
      ASSAY_TRY(sign());
      emit(times ? Kind::multiply : Kind::divide);
    }
  }
  Status sign() {
    bool negative = false;
    while (take('-')) negative = !negative;
    ASSAY_TRY(atom());
    if (negative) emit(Kind::negate);
    return {};
  }
  Status atom() {
    if (take('(')) {
      ASSAY_TRY(sum());
      return take(')') ? Status() : Status(wrong("a closing bracket"));
    }
    const char next = peek();
    if (starts_name(next)) return name();
    if ((next >= '0' && next <= '9') || next == '.') return number();
    return wrong("a number, a name or a bracket");
  }
  Status number() {
    double value = 0;
    const auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (code != std::errc()) return wrong("a number");
    at_ = static_cast<std::size_t>(end - text_.data());
    formula_.steps_.push_back({Kind::number, value, "", 0});
    return {};
  }
  Status name() {
    const std::size_t from = at_;
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    const std::string name(text_.substr(from, at_ - from));
    if (take('(')) return call(name);
    formula_.names_.insert(name);
    formula_.steps_.push_back({Kind::name, 0, name, 0});
    return {};
  }
  Status call(const std::string& name) {
    const Function* function = find_function(name);
    if (!function)
      return wrong("a function that there is (abs exp log max min sigmoid sqrt tanh) before this");
    std::size_t count = 0;
    do {
      ASSAY_TRY(sum());
      ++count;
    } while (take(','));
    if (function->many ? count < 2 : count != 1)
      return wrong(name + " of " + (function->many ? "two numbers or more" : "one number"));
    if (!take(')')) return wrong("a closing bracket");
    formula_.steps_.push_back({Kind::call, 0, name, count});
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
  Formula formula_;
};

Result<Formula> Formula::parse(std::string_view text) { return FormulaParser(text).parse(); }

namespace {

double called(const std::string& name, const std::vector<double>& arguments) {
  const Function& function = *find_function(name);
  if (!function.many) return function.one(arguments[0]);
  double value = arguments[0];
  for (std::size_t i = 1; i < arguments.size(); ++i) value = function.two(value, arguments[i]);
  return value;
}

}  // namespace

Result<double> Formula::value(const std::map<std::string, double>& values) const {
  std::vector<double> stack;
  const auto pop = [&] {
    const double top = stack.back();
    stack.pop_back();
    return top;
  };
  for (const Step& step : steps_) {
    using Kind = Step::Kind;
    if (step.kind == Kind::number) {
      stack.push_back(step.number);
    } else if (step.kind == Kind::name) {
      const auto found = values.find(step.name);
      if (found == values.end()) {
        std::string all;
        for (const auto& [name, value] : values) all += (all.empty() ? "" : ", ") + name;
        return Error{Fault::missing, "the formula's \"" + step.name + "\" has no value", "",
                     all.empty() ? "" : "there are " + all};
      }
      stack.push_back(found->second);
    } else if (step.kind == Kind::negate) {
      stack.push_back(-pop());
    } else if (step.kind == Kind::call) {
      const std::vector<double> arguments(stack.end() - static_cast<std::ptrdiff_t>(step.arguments),
                                          stack.end());
      stack.resize(stack.size() - step.arguments);
      stack.push_back(called(step.name, arguments));
    } else {
      const double b = pop(), a = pop();
      stack.push_back(step.kind == Kind::add        ? a + b
                      : step.kind == Kind::subtract ? a - b
                      : step.kind == Kind::multiply ? a * b
                                                    : a / b);
    }
  }
  return stack.back();
}

}  // namespace assay::rules
