# One folder of src/ is one module, one static library, one namespace.
#
#   stillwatch_module(NAME [DEPS module...] [LIBS public-library...] [PRIVATE_LIBS library...])
#
# x.cc belongs to the library, x_test.cc to the one test program of the module, x_bench.cc to its one benchmark
# program, and every x_fuzz.cc is a fuzzer of its own whose seeds lie in fuzz/x/ of the same folder; without libFuzzer it
# is a test that reads those.

# The tests of the program NAME_test, as NAME/..., of which none may take longer. A program that links libtorch can take
# more than the usual five seconds to list its own.
function(stillwatch_discover_tests name seconds)
  gtest_discover_tests(${name}_test TEST_PREFIX ${name}/ DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${seconds})
endfunction()

add_library(stillwatch_options INTERFACE)
target_include_directories(stillwatch_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(stillwatch_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                                                    -Werror=return-type -Werror=switch)

function(stillwatch_module name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS;PRIVATE_LIBS" ${ARGN})
  set(target stillwatch_${name})
  file(GLOB all CONFIGURE_DEPENDS *.cc)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cc$")
  list(TRANSFORM arg_DEPS PREPEND stillwatch_ OUTPUT_VARIABLE deps)

  if(sources)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PUBLIC stillwatch_options ${deps} ${arg_LIBS} PRIVATE ${arg_PRIVATE_LIBS})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE stillwatch_options ${deps} ${arg_LIBS})
  endif()

  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(STILLWATCH_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${target} GTest::gmock GTest::gtest_main ${arg_PRIVATE_LIBS})
    target_compile_definitions(${name}_test PRIVATE STILLWATCH_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    stillwatch_discover_tests(${name} 120)
  endif()

  set(benches ${all})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  if(STILLWATCH_BENCH AND benches)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE ${target} benchmark::benchmark_main ${arg_PRIVATE_LIBS})
  endif()

  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  if(STILLWATCH_FUZZ OR STILLWATCH_TESTS)
    foreach(file IN LISTS fuzzers)
      cmake_path(GET file STEM stem)
      string(REGEX REPLACE "_fuzz$" "" input ${stem})
      add_executable(${name}_${stem} ${file})
      target_link_libraries(${name}_${stem} PRIVATE ${target} ${arg_PRIVATE_LIBS})
      if(STILLWATCH_FUZZ)
        target_link_options(${name}_${stem} PRIVATE -fsanitize=fuzzer)
        set_property(GLOBAL APPEND PROPERTY STILLWATCH_FUZZERS ${name}_${stem})
      else()
        target_link_libraries(${name}_${stem} PRIVATE stillwatch_seeds)
        add_test(NAME ${name}/seeds.${input} COMMAND ${name}_${stem} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/${input})
        set_tests_properties(${name}/seeds.${input} PROPERTIES TIMEOUT 60)
      endif()
    endforeach()
  endif()
endfunction()
