#include "toolkit/cli/command_table.hpp"

#include "toolkit/cli/commands/commands.hpp"

namespace assay::cli {

namespace {

constexpr CommandRow kTable[] = {
    {"seal", "Make", commands::seal},
    {"record", "Make", commands::record},
    {"sign", "Make", commands::sign},
    {"timestamp query", "Make", commands::timestamp_query},
    {"timestamp attach", "Make", commands::timestamp_attach},
    {"verify", "Check", commands::verify},
    {"report", "Check", commands::report},
    {"list", "Look", commands::list},
    {"show", "Look", commands::show},
    {"audit", "Look", commands::audit},
    {"diff", "Look", commands::diff},
    {"train", "Run", commands::train},
    {"replay", "Run", commands::replay},
    {"search", "Run", commands::search},
    {"recipe list", "Run", commands::recipe_list},
    {"recipe show", "Run", commands::recipe_show},
    {"prove", "Share", commands::prove},
    {"export", "Share", commands::export_command},
    {"disclose", "Share", commands::disclose},
    {"archive init", "Keep", commands::archive_init},
    {"archive add", "Keep", commands::archive_add},
    {"archive log", "Keep", commands::archive_log},
    {"archive check", "Keep", commands::archive_check},
    {"key new", "Keys", commands::key_new},
    {"key show", "Keys", commands::key_show},
    {"doctor", "Tools", commands::doctor},
    {"completion", "Tools", commands::completion},
    {"man", "Tools", commands::man},
    {"help", "Tools", commands::help},
};

}  // namespace

std::span<const CommandRow> command_table() { return kTable; }

const CommandRow* find_command(std::string_view name) {
  for (const CommandRow& row : kTable)
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace assay::cli
