// What is a secret by the name that it has, and what a value of such a name must look like.
#pragma once

#include <string>
#include <string_view>

namespace assay::search {

/// How much a name says. `strong`: api_key, DB_PASS, access_token. `weak`: key, auth, HF_TOKENS, sort_key;
/// then the value must look like a secret.
enum class SecretName { none, weak, strong };

/// Of a name in a file, a query, an argument.
SecretName secret_name(std::string_view name);
bool is_secret_header(std::string_view name);   ///< left out of what is kept
SecretName header_name(std::string_view name);  ///< the same, and whether its value is learned
bool is_secret_variable(std::string_view name);

/// Of a variable with such a name: no count, no address and no file that is there.
bool is_secret_value(std::string_view value);
/// Of a strong or a weak name elsewhere. No number, reference ("${KEY}"), address, variable's name or
/// stand-in
/// ("your-api-key"); of a weak name, no ordinary words either.
bool is_secret_value(std::string_view value, SecretName name);

/// "val_loss_2", "not-needed", "gpt-4o-2024-08-06", "claude-3-5-sonnet": words and their numbers.
bool is_ordinary(std::string_view value);
/// Long, of letters and digits in no order: what issuers of keys make.
bool looks_random(std::string_view value);
/// "not-needed", "changeme", "your-api-key": stands where a key would.
bool is_stand_in(std::string_view value);

inline constexpr std::string_view kWordCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

}  // namespace assay::search
