# Text and data files as functions of a program:
#
#   stillwatch_embed(TARGET NAMESPACE name file [name file...])
#
# adds to TARGET, for every pair, std::string_view NAMESPACE::name() that returns the file's bytes. The assembler includes
# the file, so size does not matter and nothing is escaped.
function(stillwatch_embed target namespace)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}_assets.cc)
  set(text "#include <string_view>\n")
  set(body "")
  set(files "")
  list(LENGTH ARGN count)
  math(EXPR last "${count} - 1")
  foreach(i RANGE 0 ${last} 2)
    list(GET ARGN ${i} name)
    math(EXPR j "${i} + 1")
    list(GET ARGN ${j} file)
    list(APPEND files ${file})
    set(symbol stillwatch_asset_${target}_${name})
    string(APPEND text "asm(\".section .rodata\\n.balign 16\\n.global ${symbol}\\n${symbol}:\\n.incbin \\\"${file}\\\"\\n\"\n"
                       "    \".global ${symbol}_end\\n${symbol}_end:\\n.byte 0\\n.text\\n\");\n"
                       "extern \"C\" const char ${symbol}[];\nextern \"C\" const char ${symbol}_end[];\n")
    string(APPEND body "std::string_view ${name}() { return {${symbol}, static_cast<size_t>(${symbol}_end - ${symbol})}; }\n")
  endforeach()
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}namespace ${namespace} {\n${body}}\n" @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${files}")
  target_sources(${target} PRIVATE ${source})
endfunction()
