// Where secrets stand before a program sends them: configuration, arguments, addresses.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::search {

using FoundSecret = std::function<void(std::string_view name, std::string_view value)>;

/// "api_key: VALUE" and the like; lists below "api_keys:", block scalars, JSON in JSON. `file`: its ending
/// says what is a value (in a program only what is quoted). The whole of a file that is named like a secret.
void find_in_file(std::string_view file, std::string_view text, const FoundSecret& use);

/// "--api-key VALUE", "--api-key=VALUE", "NAME=VALUE", "Authorization: Bearer VALUE", addresses.
void find_in_command(const std::vector<std::string>& command, const FoundSecret& use);

/// "https://user:VALUE@host", wherever in the text.
void find_in_addresses(std::string_view text, const FoundSecret& use);

/// "/path?key=VALUE&...", as it stands and decoded.
void find_in_query(std::string_view target, const FoundSecret& use);

/// Files that may hold configuration: by their ending, or without one.
bool is_configuration(std::string_view file);
/// Small, and no byte of it is zero.
bool is_small_text(std::string_view text);

/// Without "Bearer " and its like.
std::string_view without_scheme(std::string_view value);

}  // namespace assay::search
