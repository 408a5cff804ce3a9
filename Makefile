# A thin front for CMake.
#
#     make run        install what is missing, build, run benzene
#     make test       install what is missing, build, run all tests
#     make tsan       look for races: the C tests and the programs with threads, under ThreadSanitizer
#     make build      build only
#     make install    install under PREFIX (/usr/local)
#     make fuzz       all fuzz targets, 30 seconds each
#     make coverage   which lines of src/ the tests reach, in build-coverage/coverage.txt
#     make bundle     gather programs, tests and libraries in build-bundle/schnell, to run elsewhere
#     make lint       cppcheck and clang-tidy
#     make format     clang-format on all sources
#     make clean      remove the build folders

MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

# Folders of their own, so that no call undoes the work of another.
BUILD = build
TEST_BUILD = build-test
SANITIZE_BUILD = build-sanitize
FUZZ_BUILD = build-fuzz
COVERAGE_BUILD = build-coverage
TSAN_BUILD = build-tsan
BUNDLE_BUILD = build-bundle

# Tests run side by side: threads that wait for each other must not keep the others' processors busy.
test fuzz coverage tsan: export OMP_WAIT_POLICY = passive

STRICT = -DCMAKE_BUILD_TYPE=Release -DSCHNELL_WERROR=ON
SOURCES = $(shell find src tests bench examples -name '*.[ch]' -o -name '*.cpp' -o -name '*.cu' \
	2>/dev/null)
CPPCHECK = cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability \
	--inline-suppr --suppress=missingIncludeSystem --std=c11 -j $(JOBS) -I src -D_GNU_SOURCE

.PHONY: all run build test tsan fuzz coverage install bundle lint cppcheck format clean \
	packages-build packages-test packages-lint

all: build

run: build
	@echo
	@echo "mdrun structures/benzene.xyz --model tiny     (in the folder $(BUILD))"
	@echo
	@cd $(BUILD) && bin/mdrun ../structures/benzene.xyz --model tiny

build: packages-build
	@test -f $(BUILD)/CMakeCache.txt || \
		cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
	cmake --build $(BUILD) -j $(JOBS)

install: build
	cmake --install $(BUILD) --prefix "$(PREFIX)"

# RPATH, not the RUNPATH that is the linker's own choice: it holds for the libraries of libraries too.
# It is for machines with a GPU, and has no simulated one.
bundle: packages-test
	cmake -S . -B $(BUNDLE_BUILD) -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_LIBDIR=lib \
		-DSCHNELL_CUDA_SIMULATED=OFF -DSCHNELL_LAMMPS=OFF \
		-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON $(CMAKE_FLAGS) \
		-DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags \
		-DCMAKE_SHARED_LINKER_FLAGS=-Wl,--disable-new-dtags
	cmake --build $(BUNDLE_BUILD) -j $(JOBS)
	packaging/bundle.sh $(BUNDLE_BUILD) $(BUNDLE_BUILD)/schnell

# cppcheck; then all tests in a release build, with CUDA where nvcc is; then all tests again under the
# sanitizers, where warnings are no errors: GCC then warns of things that cannot happen; then fuzzing.
test: packages-test cppcheck
	cmake -S . -B $(TEST_BUILD) $(STRICT)
	cmake --build $(TEST_BUILD) -j $(JOBS)
	cd $(TEST_BUILD) && ctest --output-on-failure -j $(JOBS)
	cmake -S . -B $(SANITIZE_BUILD) -DCMAKE_BUILD_TYPE=Release -DSCHNELL_SANITIZE=ON \
		-DSCHNELL_CUDA=OFF
	cmake --build $(SANITIZE_BUILD) -j $(JOBS)
	cd $(SANITIZE_BUILD) && ctest --output-on-failure -j $(JOBS)
	@$(MAKE) fuzz

fuzz: packages-test
	cmake -S . -B $(FUZZ_BUILD) -DCMAKE_BUILD_TYPE=Release -DSCHNELL_FUZZ=ON \
		-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DSCHNELL_CUDA=OFF \
		-DSCHNELL_CUDA_SIMULATED=OFF -DSCHNELL_LAMMPS=OFF
	cmake --build $(FUZZ_BUILD) -j $(JOBS) --target fuzz
	cd $(FUZZ_BUILD) && ctest --output-on-failure -j $(JOBS)

# GCC counts how often each line runs, and gcovr gathers it. Tests that limit files, memory or what a
# program may print fail here, since the counts are written, too.
coverage: packages-lint
	cmake -S . -B $(COVERAGE_BUILD) -DCMAKE_BUILD_TYPE=Coverage -DSCHNELL_CUDA=OFF \
		-DSCHNELL_LAMMPS=OFF -DCMAKE_C_FLAGS_COVERAGE="-O1 --coverage -fprofile-update=atomic" \
		-DCMAKE_CXX_FLAGS_COVERAGE="-O1 --coverage -fprofile-update=atomic"
	cmake --build $(COVERAGE_BUILD) -j $(JOBS)
	-cd $(COVERAGE_BUILD) && ctest -j $(JOBS)
	gcovr --root . --object-directory $(COVERAGE_BUILD) --filter src/ --exclude-unreachable-branches \
		--gcov-ignore-parse-errors --txt $(COVERAGE_BUILD)/coverage.txt \
		--html-details $(COVERAGE_BUILD)/coverage.html --print-summary

# clang's OpenMP tells ThreadSanitizer, by Archer, who waits for whom; GCC's does not. HDF5 is not
# instrumented.
tsan: packages-test
	cmake -S . -B $(TSAN_BUILD) -DCMAKE_BUILD_TYPE=Release -DSCHNELL_SANITIZE=THREAD \
		-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
		-DSCHNELL_CUDA=OFF -DSCHNELL_CUDA_SIMULATED=OFF
	cmake --build $(TSAN_BUILD) -j $(JOBS)
	cd $(TSAN_BUILD) && \
		TSAN_OPTIONS="ignore_noninstrumented_modules=1 suppressions=$(CURDIR)/tests/tsan.supp" \
		OMP_TOOL_LIBRARIES="$$(dirname "$$(readlink -f "$$(command -v clang)")")/../lib/libarcher.so" \
		ctest --output-on-failure -R '^test_|^cli_threads' -j $(JOBS)

cppcheck: packages-test
	$(CPPCHECK) src

lint: packages-lint cppcheck
	cmake -S . -B $(TEST_BUILD) $(STRICT)
	find src -name '*.c' -print0 | xargs -0 -n 1 -P $(JOBS) clang-tidy -p $(TEST_BUILD) --quiet
	clang-format --dry-run -Werror $(SOURCES)

format: packages-lint
	clang-format -i $(SOURCES)

clean:
	rm -rf $(BUILD) $(TEST_BUILD) $(SANITIZE_BUILD) $(TSAN_BUILD) $(FUZZ_BUILD) \
		$(COVERAGE_BUILD) $(BUNDLE_BUILD)

packages-build packages-test packages-lint:
	@packaging/install-packages.sh $(subst packages-,,$@)
