#include "toolkit/rules/template_text.hpp"

#include <map>
#include <vector>

#include "toolkit/rules/tags.hpp"

namespace assay::rules {

namespace {

constexpr std::size_t kLargestPrompt = 64u << 20, kDeepestBlock = 32;

struct TemplatePart {
  enum Kind { text, value, block } kind = text;
  std::string content;
};

Error not_rendered(const std::string& what) {
  return {Fault::refused, "the template uses " + what + ", which is not rendered here", "", ""};
}

bool is_path(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") ==
             text.npos;
}

// Text, {{ value }} and {% block %}, with the white space around blocks gone.
Result<std::vector<TemplatePart>> parts_of(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<TemplatePart> out;
  while (!text.empty()) {
    const auto open = text.find('{');
    std::size_t at = open;
    while (at != text.npos &&
           (at + 1 >= text.size() || std::string_view("{%#").find(text[at + 1]) == std::string_view::npos))
      at = text.find('{', at + 1);
    std::string plain(text.substr(0, at));
    if (at == text.npos) {
      out.push_back({TemplatePart::text, std::move(plain)});
      break;
    }
    if (text[at + 1] == '#') return not_rendered("a comment");
    const bool block = text[at + 1] == '%';
    const auto end = text.find(block ? "%}" : "}}", at + 2);
    if (end == text.npos) return not_rendered("a tag without its end");
    const std::string_view inner = text.substr(at + 2, end - at - 2);
    if (inner.starts_with('-') || inner.ends_with('-') || inner.starts_with('+'))
      return not_rendered("white space control");
    text.remove_prefix(end + 2);
    if (block) {
      const auto line = plain.rfind('\n');
      const std::size_t begin = line == plain.npos ? 0 : line + 1;
      const bool at_start = line != plain.npos || out.empty() || out.back().kind == TemplatePart::block;
      if (at_start && plain.find_first_not_of(" \t", begin) == plain.npos) plain.resize(begin);
      if (text.starts_with('\n')) text.remove_prefix(1);
    }
    if (!plain.empty()) out.push_back({TemplatePart::text, std::move(plain)});
    out.push_back({block ? TemplatePart::block : TemplatePart::value, std::string(stripped(inner))});
  }
  return out;
}

bool truth(const Json& value) {
  if (value.string()) return !value.string()->empty();
  if (const auto boolean = value.boolean()) return *boolean;
  if (const auto number = value.number()) return *number != 0;
  return value.size() > 0;
}

class TemplateRenderer {
 public:
  TemplateRenderer(const std::vector<TemplatePart>& parts, const Json& values)
      : parts_(parts), values_(values) {}

  Result<std::string> whole() {
    ASSAY_TRY(render(0, parts_.size(), 0));
    return std::move(out_);
  }

 private:
  Result<const Json*> look_up(std::string_view path) {
    if (!is_path(path)) return not_rendered("\"" + std::string(path.substr(0, 60)) + "\"");
    const auto dot = path.find('.');
    const std::string name(path.substr(0, dot));
    const auto local = locals_.find(name);
    const Json* value = local != locals_.end() ? local->second : &values_[name];
    while (path.find('.') != path.npos) {
      path.remove_prefix(path.find('.') + 1);
      value = &(*value)[path.substr(0, path.find('.'))];
    }
    return value;
  }

  static bool opens(std::string_view tag) { return tag.starts_with("for ") || tag.starts_with("if "); }
  static bool closes(std::string_view tag) { return tag == "endfor" || tag == "endif"; }

  // The position of the tag that ends the block which starts before `at`, and of its else.
  Result<std::size_t> end_of(std::size_t at, std::size_t last, std::size_t& otherwise) const {
    std::size_t depth = 0;
    otherwise = last;
    for (; at < last; ++at) {
      if (parts_[at].kind != TemplatePart::block) continue;
      const std::string& tag = parts_[at].content;
      if (opens(tag))
        ++depth;
      else if (closes(tag) && depth-- == 0)
        return at;
      else if (tag == "else" && depth == 0)
        otherwise = at;
    }
    return not_rendered("a block without its end");
  }

  Status put(const Json& value) {
    const bool plain =
        value.is_integer() || (value.is_number() && value.dump().find_first_of("eE") == std::string::npos);
    if (value.string())
      out_ += *value.string();
    else if (plain)
      out_ += value.dump();
    else if (!value.is_null())
      return not_rendered(std::string("a value that is a ") + value.type_name());
    if (out_.size() > kLargestPrompt) return not_rendered("more than 64 MiB");
    return {};
  }

  Status render(std::size_t at, std::size_t last, std::size_t depth) {
    if (depth > kDeepestBlock) return not_rendered("blocks too deep in each other");
    for (; at < last; ++at) {
      const TemplatePart& part = parts_[at];
      if (part.kind == TemplatePart::text)
        out_ += part.content;
      else if (part.kind == TemplatePart::value)
        ASSAY_TRY(put(*ASSAY_TRY(look_up(part.content))));
      else
        at = ASSAY_TRY(block(at, last, depth));
    }
    return {};
  }

  Result<std::size_t> block(std::size_t at, std::size_t last, std::size_t depth) {
    const std::string_view tag = parts_[at].content;
    if (!opens(tag)) return not_rendered("{% " + std::string(tag.substr(0, 60)) + " %}");
    std::size_t otherwise = 0;
    const std::size_t end = ASSAY_TRY(end_of(at + 1, last, otherwise));
    if (tag.starts_with("for ")) {
      ASSAY_TRY(loop(tag.substr(4), at + 1, end, depth));
      return end;
    }
    const bool yes = truth(*ASSAY_TRY(look_up(stripped(tag.substr(3)))));
    const bool has_else = otherwise < end;
    if (yes)
      ASSAY_TRY(render(at + 1, has_else ? otherwise : end, depth + 1));
    else if (has_else)
      ASSAY_TRY(render(otherwise + 1, end, depth + 1));
    return end;
  }

  Status loop(std::string_view head, std::size_t at, std::size_t end, std::size_t depth) {
    const auto in = head.find(" in ");
    if (in == head.npos) return not_rendered("a for without in");
    const std::string name(stripped(head.substr(0, in)));
    const Json* list = ASSAY_TRY(look_up(stripped(head.substr(in + 4))));
    const auto outer = locals_.find(name);
    const Json* before = outer == locals_.end() ? nullptr : outer->second;
    for (const Json& item : list->items()) {
      locals_[name] = &item;
      ASSAY_TRY(render(at, end, depth + 1));
    }
    if (before)
      locals_[name] = before;
    else
      locals_.erase(name);
    return {};
  }

  const std::vector<TemplatePart>& parts_;
  const Json& values_;
  std::map<std::string, const Json*> locals_;
  std::string out_;
};

}  // namespace

Result<std::string> render_template(std::string_view text, const Json& values) {
  const auto parts = ASSAY_TRY(parts_of(text));
  return TemplateRenderer(parts, values).whole();
}

}  // namespace assay::rules
